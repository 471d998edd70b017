"""Answers every request with what of its environ can be told as JSON."""

import json


def application(environ, start_response):
    told = {key: value for key, value in environ.items() if isinstance(value, (str, float))}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]
