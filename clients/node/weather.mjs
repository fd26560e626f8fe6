// What the scripts of SDKs ask about: one tool, one question that calls it, one that calls it twice, one schema.

export const QUESTION = "Use the get_weather tool: what is the weather in Oslo?";
export const TWO_PLACES = "Use the get_weather tool in parallel for Oslo and Bergen";
export const HELLO = "Why is the sky blue?";
export const RESULT = "4 degrees and rain";
export const SHAPE = {
  type: "object",
  properties: { city: { type: "string" }, count: { type: "integer" } },
  required: ["city", "count"],
  additionalProperties: false,
};
export const PLACE = {
  type: "object",
  properties: { location: { type: "string", description: "A city" } },
  required: ["location"],
  additionalProperties: false,
};
/** A red dot. */
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC";
