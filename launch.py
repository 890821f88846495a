"""Start the explorer: python launch.py, then open the address it prints."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import sys
import threading
import webbrowser
from functools import partial
from typing import Any

from app.server.environment import bypass_proxies, use_private_folder

FIRST_PORT, PORTS = 7860, 100


class Help(argparse.HelpFormatter):
    """Help in the words of a language: argparse has English ones."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, prefix or f"{help_words()['usage']}: ")


def help_words() -> Any:
    """The words of --help, in the language of the terminal."""
    from app.text.words import choose_language, words  # here, because what they need may not be installed

    asked = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return words(choose_language(asked.partition(".")[0].replace("_", "-")))["launch"]


def arguments(argv: list[str] | None) -> argparse.Namespace:
    said = help_words()
    parser = argparse.ArgumentParser(
        prog="launch.py", description=said["description"], formatter_class=Help, add_help=False
    )
    options = parser.add_argument_group(said["options"])

    def add(flag: str, **how: Any) -> None:
        key = flag.strip("-").replace("-", "_")
        options.add_argument(flag, **{"help": said[key].replace("{first}", str(FIRST_PORT)), **how})

    options.add_argument("-h", "--help", action="help", help=said["help"])
    add("--pack", default="emoji")
    environment = os.environ
    host = environment.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if environment.get("SPACE_ID") else "127.0.0.1")
    add("--host", default=host, type=bare)
    add("--port", type=int, default=environment.get("GRADIO_SERVER_PORT") or None)
    add("--allow-host", metavar="NAME", action="append", default=[])
    add("--mcp", action="store_true")
    add("--trust-proxy", action="store_true")
    add("--metrics", action="store_true")
    add("--share", action="store_true")
    add("--root-path", metavar="/PATH")
    add("--device", default="auto", choices=("auto", "cuda", "mps", "cpu"))
    add("--threads", type=int, default=0)
    add("--dtype", default="auto", choices=("auto", "float32", "bfloat16"))
    add("--no-browser", action="store_true")
    given = parser.parse_args(argv)
    if given.port is not None and not 1 <= given.port <= 65535:
        parser.error(f"--port {given.port}: expected 1 to 65535")
    if given.root_path is not None and not given.root_path.startswith(("/", "http://", "https://")):
        parser.error(f"--root-path {given.root_path}: expected /PATH, or an address that begins with http")
    return given


def main(argv: list[str] | None = None) -> int:
    try:
        given = arguments(argv)
    except ModuleNotFoundError as error:
        return _tell_missing(error)
    if given.mcp and importlib.util.find_spec("mcp") is None:
        print("error: --mcp needs one more package: pip install 'gradio[mcp]'", file=sys.stderr)
        return 2
    try:
        free_port(given.host, given.port)  # what is wrong with it is said before a pack is opened
        serve(given)
    except ModuleNotFoundError as error:
        return _tell_missing(error)
    except (ValueError, OSError) as error:
        from engine.cli import format_error

        print(f"error: {format_error(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _tell_missing(error: ModuleNotFoundError) -> int:
    print(f"error: {error}: pip install -r requirements.txt brings what is missing", file=sys.stderr)
    return 2


def serve(given: argparse.Namespace) -> None:
    """Open the pack, show the page, and stay until Ctrl-C or SIGTERM."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    use_private_folder()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # else what was made for it would stay
    print(f"opening pack {given.pack} ...", flush=True)
    with bypass_proxies(given.host, given.share):
        import app.main  # noqa: F401  # with the proxies bypassed
        from app.context import Context  # here, because they import torch and gradio: --help need not wait for them
        from app.packs import Packs
        from app.server.memory import limit_arenas
        from app.zerogpu import LentGpu, is_offered
        from engine.session import fetch_pack

    limit_arenas()  # before torch starts its threads
    gpu = LentGpu() if is_offered() else None
    packs = Packs(fetch_pack(given.pack), "cpu" if gpu else given.device, given.threads, dtype=given.dtype)
    context = Context(packs=packs, gpu=gpu)
    try:
        _serve_until_stopped(given, context)
    finally:
        context.runs.close()
        packs.worker.shutdown(cancel_futures=True)  # a thread that still computes would abort the process at its end


def _serve_until_stopped(given: argparse.Namespace, context: Any) -> None:
    from app.main import build, launch

    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    where = {"server_name": in_brackets(given.host), "share": given.share, "mcp_server": given.mcp}
    told = {"allowed": given.allow_host, "metrics": given.metrics, "trusts_proxy": given.trust_proxy}
    page = build(context)
    with bypass_proxies(given.host, given.share):
        find_port = partial(free_port, given.host, given.port)
        address, public = launch(page, context, find_port, root_path=given.root_path, **told, **where)
    context.packs.session(context.packs.first)  # what is wrong with its networks ends the server
    address = address.replace("//[::]", "//[::1]")
    lines = [f"Token-Critic explorer: {address}", *([f"public link: {public}"] if public else []), "Ctrl-C ends it."]
    print("\n".join(lines), flush=True)
    if not given.no_browser and has_desktop():
        webbrowser.open(address)
    while not stopped.wait(0.5):  # in short waits: Windows delivers Ctrl-C only between them
        pass
    context.runs.close()
    page.close(verbose=False)


def free_port(host: str, asked: int | None) -> int:
    """The port asked for, or the first free one from FIRST_PORT on. OSError where it is taken."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"--host {host}: no such address") from error
    gradio = (socket.AF_INET, ("127.0.0.1", 0))  # which wants the port there too, wherever it is to listen
    places = dict.fromkeys([*((family, where) for family, _, _, _, where in found), gradio])
    for port in range(FIRST_PORT, FIRST_PORT + PORTS) if asked is None else (asked,):
        if all(can_listen(*place, port) for place in places):
            return port
    which = f"port {asked} is" if asked is not None else f"ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are"
    raise OSError(f"{which} taken, or {host} is not an address of this machine: choose another with --port or --host")


def can_listen(family: int, where: Any, port: int) -> bool:
    """Whether nobody else has the port of that address. OSError where this user may not have it."""
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as the server's own
            probe.bind((where[0], port, *where[2:]))
    except PermissionError as error:
        raise OSError(f"port {port} needs more rights: choose another with --port") from error
    except OSError:
        return False
    return True


def bare(host: str) -> str:
    """An address of IPv6 may be given as it stands in a link, too."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def in_brackets(host: str) -> str:
    """As it stands in a link."""
    return f"[{host}]" if ":" in host else host


def has_desktop() -> bool:
    """Is there a screen to open a browser on?"""
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
