"""The OpenAI Python SDK: chat, Responses, models, errors."""

from cases import KEY, MODEL, V1, case, main
from openai import OpenAI

client = OpenAI(base_url=V1, api_key=KEY, max_retries=0)


@case("chat")
def chat() -> None:
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens > 0


if __name__ == "__main__":
    main()
