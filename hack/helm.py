"""Helm's command line, as far as this project uses it, on the library helm-python-sdk: no registry of packages has the program.

hack/fetch-control-plane installs it as `helm`. Flags mean what they mean there.
"""

import argparse
import json
import os
import pathlib
import sys

import helm_python
from helm_python import _native


def arguments():
    parser = argparse.ArgumentParser(prog="helm", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version")
    template, lint = commands.add_parser("template"), commands.add_parser("lint")
    install, upgrade, uninstall = (commands.add_parser(name) for name in ("install", "upgrade", "uninstall"))
    commands.add_parser("list")
    for command in (template, install, upgrade, uninstall):
        command.add_argument("name")
    for command in (template, lint, install, upgrade):
        command.add_argument("chart")
        command.add_argument("-f", "--values", action="append", default=[])
        command.add_argument("--set", action="append", default=[])
    for command in commands.choices.values():
        command.add_argument("-n", "--namespace", default="default")
    lint.add_argument("--strict", action="store_true")
    for command in (template, lint):
        command.add_argument("--kube-version")
    template.add_argument("--api-versions", "-a", action="append", default=[])
    template.add_argument("--is-upgrade", action="store_true")
    for command in (install, upgrade):
        command.add_argument("--create-namespace", action="store_true")
        command.add_argument("--take-ownership", action="store_true")
    upgrade.add_argument("--install", "-i", action="store_true")
    return parser.parse_args()


def merged(base, further):
    both = {**base, **further}
    for key in base.keys() & further.keys():
        if isinstance(base[key], dict) and isinstance(further[key], dict):
            both[key] = merged(base[key], further[key])
    return both


def values(given):
    result = {}
    for file in given.values:
        text = sys.stdin.read() if file == "-" else pathlib.Path(file).read_text()
        result = merged(result, helm_python.values_from_yaml(text))
    for expression in given.set:
        result = merged(result, helm_python.parse_set_string(expression))
    return result


def options(**named):
    return json.dumps({name: value for name, value in named.items() if value})


def render(given):
    with helm_python.Chart.load(given.chart) as chart:
        # Not Chart.render, which cannot be told of what Kubernetes to render for.
        told = options(
            name=given.name, namespace=given.namespace, is_install=not given.is_upgrade, is_upgrade=given.is_upgrade,
            kube_version=given.kube_version, api_versions=given.api_versions,
        )
        files = json.loads(_native.call_string("helm_render", chart._raw(), json.dumps(values(given)), told))
    for file, text in sorted(files.items()):
        if file.endswith(".yaml") and text.strip():
            print(f"---\n# Source: {file}\n{text.strip()}")


def lint(given):
    report = helm_python.lint(
        given.chart, values(given), strict=given.strict, namespace=given.namespace, kube_version=given.kube_version
    )
    print(*(f"{message['path']}: {message['error']}" for message in report["messages"]), sep="\n")
    return "\n".join(report["errors"]) or 0


def is_installed(config, name):
    try:
        config.status(name)
    except helm_python.HelmError:
        return False
    return True


def apply(given, config):
    action = "install"
    if given.command == "upgrade" and (not given.install or is_installed(config, given.name)):
        action = "upgrade"
    # Not Config.install and Config.upgrade, which cannot be told to take objects over.
    told = options(
        namespace=given.namespace, create_namespace=given.create_namespace, take_ownership=given.take_ownership
    )
    chart = os.path.abspath(given.chart)
    answer = _native.call_string(
        f"helm_{action}", config._raw(), _native.HANDLE(0), _native.HANDLE(0), chart, given.name,
        json.dumps(values(given)), told,
    )
    release = json.loads(answer)
    print(f"Release \"{given.name}\" in {given.namespace}: {release.get('status', 'done')}")
    print(release.get("notes") or (release.get("info") or {}).get("notes") or "", end="")


def run(given):
    if given.command == "version":
        print(helm_python.helm_sdk_version())
    elif given.command == "template":
        render(given)
    elif given.command == "lint":
        return lint(given)
    else:
        with helm_python.Config(kubeconfig_path=os.environ.get("KUBECONFIG"), namespace=given.namespace) as config:
            if given.command == "uninstall":
                print(config.uninstall(given.name)["info"] or f"release \"{given.name}\" uninstalled")
            elif given.command == "list":
                for release in config.list().get("releases", []):
                    print(release.get("name"), release.get("namespace"), release.get("status"), sep="\t")
            else:
                apply(given, config)
    return 0


try:
    sys.exit(run(arguments()))
except helm_python.HelmError as error:
    sys.exit(f"Error: {error}")
