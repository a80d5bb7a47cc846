"""Writes google-schema.json and google-scopes.tsv from a Calendar API discovery document.

Usage: python3 generate.py calendar.v3.json
The document is the one Google publishes; google-api-python-client carries a copy
in googleapiclient/discovery_cache/documents/.
Only facts are kept (names, types, paths, scopes); no descriptions. The two
files are what `simulators::google::facts` reads.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent


def kind(schema):
    """The type of one property, in the small notation `facts.rs` reads."""
    if "$ref" in schema:
        return "ref:" + schema["$ref"]
    name = schema.get("type")
    if name == "array":
        return {"array": kind(schema["items"])}
    if name == "object":
        if "additionalProperties" in schema:
            return {"map": kind(schema["additionalProperties"])}
        return {"object": {k: kind(v) for k, v in schema.get("properties", {}).items()}}
    if "format" in schema:
        return name + ":" + schema["format"]
    return name


def methods(resource):
    for method in resource.get("methods", {}).values():
        yield method
    for child in resource.get("resources", {}).values():
        yield from methods(child)


def main():
    doc = json.loads(pathlib.Path(sys.argv[1]).read_text())
    service = "/" + doc["servicePath"]
    table, scopes = {}, []
    for method in sorted(methods(doc), key=lambda m: m["id"]):
        name = method["id"].removeprefix("calendar.")
        query = {}
        for param, spec in sorted(method.get("parameters", {}).items()):
            if spec["location"] != "query":
                continue
            fact = {"type": spec["type"]}
            for key in ("format", "repeated", "required", "enum", "minimum", "maximum"):
                if key in spec:
                    fact[key] = spec[key]
            query[param] = fact
        table[name] = {
            "http": method["httpMethod"],
            "path": service + method["path"],
            "query": query,
            "request": method.get("request", {}).get("$ref"),
            "response": method.get("response", {}).get("$ref"),
        }
        prefix = "https://www.googleapis.com/auth/"
        short = sorted(s.removeprefix(prefix) for s in method["scopes"])
        scopes.append(f"{name}\t{' '.join(short)}")
    out = {
        "revision": doc["revision"],
        "common": sorted(doc["parameters"]),
        "methods": table,
        "schemas": {
            name: {k: kind(v) for k, v in sorted(schema.get("properties", {}).items())}
            for name, schema in sorted(doc["schemas"].items())
        },
    }
    text = json.dumps(out, indent=1, sort_keys=True) + "\n"
    (HERE / "google-schema.json").write_text(text)
    header = f"# method\tscopes (short) -- discovery revision {doc['revision']}"
    (HERE / "google-scopes.tsv").write_text("\n".join([header, *scopes]) + "\n")


main()
