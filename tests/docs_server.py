"""Runs `mlcli` in forks of a process that has loaded what is heavy: a command costs a second instead of four.

python docs_server.py SOCKET    # serves until it is terminated
mlcli …                         # CLIENT, as an executable in PATH: hands over arguments, folder and streams
"""

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

CLIENT = """#!{python} -SE
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect({address!r})
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [request], [0, 1, 2])
sys.exit(int(server.recv(16) or 70))
"""
HEAVY = (
    "torch._dynamo",  # the first optimizer loads it
    "hydra._internal.hydra",
    "matplotlib.figure",
    "sklearn.metrics",
    "pandas",
    "mlcli.cli.app",
    "mlcli.sweep.sweep",
)
LARGEST = 1 << 18  # bytes of a request


def main(address: str) -> None:
    for module in HEAVY:
        importlib.import_module(module)
    gc.freeze()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(address)
    server.listen()
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        request, streams, _, _ = socket.recv_fds(client, LARGEST, 3)
        pid = os.fork()
        if not pid:
            server.close()
            client.close()
            _run(*json.loads(request), streams)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(pid, 0)
        client.send(str(os.waitstatus_to_exitcode(status) % 256).encode())
        client.close()


def _run(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """The command, as its own process would run it; never returns."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["mlcli", *arguments]
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    from mlcli.__main__ import main as command

    status: object = 0
    try:
        command()
    except SystemExit as end:
        status = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(status if isinstance(status, int) else status is not None)


def write_client(path: Path, address: str) -> None:
    path.write_text(CLIENT.format(python=sys.executable, address=address))
    path.chmod(0o755)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main(sys.argv[1])
