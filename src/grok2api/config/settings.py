"""Every setting of the gateway, once: its name, type, default, limits and meaning.

The tree of frozen structs below is the only source. The table of keys (`table`), the environment names, the
validation (`values`, `rules`), the file editor and the page `docs/configuration.md` are all made from it, so
adding a setting is adding a line here. Nothing here reads a file or the environment; `load` does.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from grok2api.config.about import About, Section
from grok2api.config.media import Asset, Cache, Image, Media, Video
from grok2api.config.responses import Background, Responses
from grok2api.config.server import Server

_EMPTY: Mapping[str, str] = MappingProxyType({})


class App(Section, frozen=True, kw_only=True):
    """Keys and addresses of the gateway itself."""

    app_key: Annotated[
        str,
        About(
            "Key of the admin API. Empty: a random one is made in `<data-dir>/admin.key`.",
            form="key",
            secret=True,
        ),
    ] = ""
    api_key: Annotated[
        tuple[str, ...],
        About(
            "Keys that clients of `/v1` must present: one, a comma list, or an array. "
            "Empty: open to everyone who can connect.",
            form="key",
            secret=True,
        ),
    ] = ()
    app_url: Annotated[
        str,
        About(
            "Public address of the gateway, for links to stored media. Empty: the address that the request came to.",
            form="http_url",
        ),
    ] = ""
    webui_enabled: Annotated[bool, About("Chat pages of older programs.", reserved=True)] = False
    webui_key: Annotated[
        str, About("Key of the chat pages of older programs.", form="key", secret=True, reserved=True)
    ] = ""


class Logging(Section, frozen=True, kw_only=True):
    """What is written to the standard error stream."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], About("The least that is logged.")] = "INFO"
    format: Annotated[
        Literal["auto", "json", "console"], About("`auto` is readable on a terminal and JSON in a pipe.")
    ] = "auto"
    file_level: Annotated[
        str, About("Level of a log file; this version logs to the standard error stream only.", reserved=True)
    ] = "INFO"
    max_files: Annotated[int, About("Log files to keep.", low=0, reserved=True)] = 7


class Features(Section, frozen=True, kw_only=True):
    """Defaults for what a request leaves open, and flags of grok.com conversations."""

    temporary: Annotated[bool, About("grok.com conversations leave no trace in the account's history.")] = True
    memory: Annotated[bool, About("grok.com may use what it remembers of the account's owner.")] = False
    stream: Annotated[bool, About("Chat completions stream when a request does not say.")] = True
    thinking: Annotated[bool, About("Thinking is shown when a request does not say.")] = True
    thinking_summary: Annotated[bool, About("Show condensed thinking only.", reserved=True)] = False
    auto_chat_mode_fallback: Annotated[
        bool, About("Serve an `auto` model in `fast` or `expert` when no account has `auto` left.")
    ] = True
    enable_nsfw: Annotated[bool, About("What requests for pictures say about adult content.")] = True
    show_search_sources: Annotated[bool, About("End an answer with a `## Sources` list of the pages it used.")] = False
    custom_instruction: Annotated[
        str, About("An instruction put before every grok.com conversation.", form="prose")
    ] = ""
    image_format: Annotated[
        Literal["grok_url", "local_url", "grok_md", "local_md", "base64"],
        About(
            "Pictures in a conversation: as a link or in Markdown, at Grok or from here, or whole in the text. "
            "A picture that opens at Grok only with the account's cookie is always served from here."
        ),
    ] = "grok_url"
    video_format: Annotated[
        Literal["grok_url", "local_url", "grok_html", "local_html"],
        About(
            "Films in a conversation: as a link, or as a player in HTML. A film at Grok opens only with the account's "
            "cookie, so it is always served from here."
        ),
    ] = "grok_url"
    imagine_public_image_proxy: Annotated[bool, About("Serve public pictures from here too.")] = False
    default_aliases: Annotated[
        bool,
        About("Names like `claude-…` and `gpt-…` that no rule of `[aliases]` is about are served by built-in rules."),
    ] = True


class Egress(Section, frozen=True, kw_only=True):
    """The way out to the upstreams."""

    mode: Annotated[
        Literal["direct", "single_proxy", "proxy_pool"],
        About("Go directly, through `proxy_url`, or through one of `proxy_pool`."),
    ] = "direct"
    proxy_url: Annotated[
        str, About("The proxy of `single_proxy`: `http`, `https`, `socks5`, `socks5h`.", form="proxy_url", secret=True)
    ] = ""
    proxy_pool: Annotated[tuple[str, ...], About("The proxies of `proxy_pool`.", form="proxy_url", secret=True)] = ()
    resource_proxy_url: Annotated[
        str,
        About(
            "Proxy for files that requests point to, instead of the way that `mode` says.",
            form="proxy_url",
            secret=True,
            restart=True,
        ),
    ] = ""
    resource_proxy_pool: Annotated[
        tuple[str, ...],
        About("Proxies for the same, one of which is used.", form="proxy_url", secret=True, restart=True),
    ] = ()
    skip_ssl_verify: Annotated[
        bool, About("Do not check the upstreams' certificates. Only for a proxy that you run yourself.")
    ] = False


class Clearance(Section, frozen=True, kw_only=True):
    """Values of the operator's own browser session, passed through unchanged."""

    mode: Annotated[
        Literal["none", "manual"], About("`manual` sends the two values below; `none` keeps them back.")
    ] = "none"
    cf_cookies: Annotated[
        str,
        About(
            "Cookies to send to grok.com besides the account's own, as in `name=value; name=value`.",
            form="header",
            secret=True,
        ),
    ] = ""
    user_agent: Annotated[
        str,
        About(
            "The User-Agent of the browser that the cookies come from. Empty: the gateway names itself.", form="header"
        ),
    ] = ""


class Proxy(Section, frozen=True, kw_only=True):
    """The way out."""

    egress: Egress = Egress()
    clearance: Clearance = Clearance()


class Retry(Section, frozen=True, kw_only=True):
    """Second attempts, always with another account and never after the client has seen output."""

    max_retries: Annotated[int, About("Further attempts under the `quota` strategy.", low=0, high=20)] = 1
    on_codes: Annotated[
        tuple[int, ...],
        About("Upstream statuses that another account is tried for: a comma list or an array.", low=100, high=599),
    ] = (429, 401, 503)
    reset_session_status_codes: Annotated[
        tuple[int, ...],
        About("Upstream statuses after which connections are made anew.", low=100, high=599, reserved=True),
    ] = (403,)
    budget_percent: Annotated[
        float,
        About(
            "Second attempts of all requests together stay below this share of them; five in ten seconds are always "
            "allowed. 0: no second attempts.",
            low=0,
            high=100,
        ),
    ] = 20


class Refresh(Section, frozen=True, kw_only=True):
    """Asking grok.com what quota an account has left."""

    enabled: Annotated[bool, About("`false`, in older configurations, means `account.strategy` is `random`.")] = True
    basic_interval_sec: Annotated[
        float,
        About(
            "Between two looks at a basic account. Under `random`: how long a mode of it rests after a rate limit that "
            "names no time.",
            low=1,
        ),
    ] = 86400
    super_interval_sec: Annotated[float, About("The same for super accounts.", low=1)] = 7200
    heavy_interval_sec: Annotated[float, About("The same for heavy accounts.", low=1)] = 7200
    usage_concurrency: Annotated[int, About("Questions at the same time.", low=1, high=1000)] = 50
    on_demand_min_interval_sec: Annotated[
        float,
        About("Least seconds between two looks at all spent accounts because nothing could be chosen.", low=0),
    ] = 300


class Selection(Section, frozen=True, kw_only=True):
    """Choosing an account."""

    max_inflight: Annotated[int, About("Most attempts at the same time on one account.", low=1, high=1000)] = 8
    prefer_tags: Annotated[
        Mapping[str, str],
        About(
            "Tags of accounts that are preferred for a model, by the model's name or a pattern with `*` or `?`: "
            '`"grok-4.20-heavy" = "research"`. When no account with the tag can serve, the others do.'
        ),
    ] = _EMPTY


class Account(Section, frozen=True, kw_only=True):
    """The pool of accounts."""

    strategy: Annotated[
        Literal["quota", "random"],
        About(
            "Choose the account with the most quota left, or any.",
            derived="`quota`; `random` when `account.refresh.enabled` is `false`",
        ),
    ] = "quota"
    max_rest_sec: Annotated[
        float, About("Longest rest that a single upstream answer can put on an account's mode.", low=1)
    ] = 604800
    probe_interval_sec: Annotated[float, About("Least time between two probes of a resting account's mode.", low=1)] = (
        900
    )
    refresh: Refresh = Refresh()
    selection: Selection = Selection()


class Chat(Section, frozen=True, kw_only=True):
    """Conversations."""

    timeout: Annotated[
        float, About("Seconds to connect to an upstream and have the request taken.", low=1, high=3600)
    ] = 60


class Web(Section, frozen=True, kw_only=True):
    """grok.com."""

    base_url: Annotated[str, About("Where grok.com is.", form="http_url")] = "https://grok.com"
    ws_url: Annotated[
        str, About("Where its WebSocket gateway is.", form="ws_url", derived="`upstream.web.base_url` with `wss`")
    ] = ""
    assets_url: Annotated[str, About("Where account files are.", form="http_url")] = "https://assets.grok.com"
    public_url: Annotated[str, About("Where public pictures are.", form="http_url")] = "https://imagine-public.x.ai"
    accounts_url: Annotated[str, About("Where account settings are.", form="http_url")] = "https://accounts.x.ai"
    transport: Annotated[Literal["rest", "ws"], About("Converse over REST, or over the newer WebSocket gateway.")] = (
        "rest"
    )
    upload: Annotated[
        Literal["json", "multipart"], About("Send files as JSON, or in the newer form with one part.")
    ] = "json"
    media: Annotated[
        Literal["posts", "direct"],
        About("Edit pictures and make films through media posts, or in the newer single call."),
    ] = "posts"


class Console(Section, frozen=True, kw_only=True):
    """console.x.ai."""

    base_url: Annotated[str, About("Where console.x.ai is.", form="http_url")] = "https://console.x.ai"
    auth: Annotated[
        Literal["auto", "bearer", "dpop"], About("How requests are authorised; `auto` tries `bearer` first.")
    ] = "auto"
    search_tools: Annotated[
        Literal["auto", "off"], About("`auto` offers the upstream its own web search when a request brings no tools.")
    ] = "auto"


class Api(Section, frozen=True, kw_only=True):
    """The official xAI API."""

    base_url: Annotated[str, About("Where the official API is.", form="http_url")] = "https://api.x.ai"


class Upstream(Section, frozen=True, kw_only=True):
    """The services behind the gateway."""

    headers: Annotated[
        Mapping[str, str],
        About(
            "Further request headers of the operator's own browser session, passed through unchanged.",
            form="headers",
            secret=True,
        ),
    ] = _EMPTY
    web: Web = Web()
    console: Console = Console()
    api: Api = Api()


class Stream(Section, frozen=True, kw_only=True):
    """The patience of a streamed answer, in seconds."""

    first_byte_hold_sec: Annotated[
        float, About("How long the status is held back, so that an early failure is an HTTP error.", low=0, high=600)
    ] = 10
    first_token_timeout_sec: Annotated[
        float, About("How long an account may stay silent before the next is tried.", low=0.01, high=3600)
    ] = 60
    idle_timeout_sec: Annotated[float, About("How long an upstream may pause in mid-answer.", low=0.01, high=3600)] = (
        120
    )
    keepalive_sec: Annotated[float, About("How often a waiting client gets a sign of life.", low=0.01, high=600)] = 15
    write_timeout_sec: Annotated[
        float, About("How long a client may stop reading before its stream is given up.", low=0.01, high=3600)
    ] = 30
    request_deadline_sec: Annotated[float, About("How long a request may take altogether.", low=0.01, high=86400)] = 600


class Nsfw(Section, frozen=True, kw_only=True):
    """The account switch of that name."""

    timeout: Annotated[float, About("Seconds for one call of switching.", low=1, high=3600)] = 60


class Storage(Section, frozen=True, kw_only=True):
    """The store."""

    url: Annotated[
        str,
        About(
            "The database: `sqlite:///path`, or `postgresql://user:password@host/database`, or the same with `mysql` "
            "or `mariadb`. See [databases](databases.md).",
            form="store_url",
            secret=True,
            restart=True,
            derived="`sqlite:///<data-dir>/grok2api.db`",
        ),
    ] = ""


class Coordination(Section, frozen=True, kw_only=True):
    """Several processes, on one machine or on many."""

    url: Annotated[
        str,
        About(
            "Redis or Valkey, through which all processes keep to the same limits and rests. Empty: one process.",
            form="redis_url",
            secret=True,
            restart=True,
        ),
    ] = ""
    installation: Annotated[
        str,
        About(
            "The begin of this installation's keys in Redis; processes with the same one work together.",
            restart=True,
            derived="made from the store",
        ),
    ] = ""


class Batch(Section, frozen=True, kw_only=True):
    """Work over many accounts, by the admin API."""

    nsfw_concurrency: Annotated[
        int, About("Switches turned at the same time, when a call does not say.", low=1, high=1000)
    ] = 50
    refresh_concurrency: Annotated[
        int, About("Accounts asked about at the same time, when a call does not say.", low=1, high=1000)
    ] = 50
    asset_list_concurrency: Annotated[
        int, About("Accounts whose files are listed at the same time.", low=1, high=1000)
    ] = 50
    asset_delete_concurrency: Annotated[
        int, About("Accounts whose files are deleted at the same time, when a call does not say.", low=1, high=1000)
    ] = 50
    asset_upload_concurrency: Annotated[int, About("Uploads at the same time.", low=1, high=1000)] = 10


class Settings(Section, frozen=True, kw_only=True):
    """All of them."""

    app: App = App()
    server: Server = Server()
    logging: Logging = Logging()
    features: Features = Features()
    stream: Stream = Stream()
    retry: Retry = Retry()
    account: Account = Account()
    upstream: Upstream = Upstream()
    proxy: Proxy = Proxy()
    chat: Chat = Chat()
    storage: Storage = Storage()
    coordination: Coordination = Coordination()
    responses: Responses = Responses()
    background: Background = Background()
    media: Media = Media()
    cache: Cache = Cache()
    image: Image = Image()
    video: Video = Video()
    asset: Asset = Asset()
    nsfw: Nsfw = Nsfw()
    batch: Batch = Batch()
    aliases: Annotated[
        Mapping[str, str],
        About(
            'Names that clients insist on, each mapped to a served model: `"claude-*" = "grok-4.20-auto"`. A `*` '
            "stands for anything, a `?` for one character. An effort may stand behind the model "
            "(`grok-4.3-console-low`); several models, with commas between them, are an order of "
            "preference. See [aliases](aliases.md)."
        ),
    ] = _EMPTY
