"""Calls methods with grpcio and prints the results: one JSON object per line.

    grpc_call.py HOST:PORT /package.Service/Method...

Messages are empty, so no generated code is needed. Retries are off, since the test is about the
responses of the proxy.
"""

import json
import sys

import grpc


def fields(data):
    """Yields the fields of a protobuf message: (number, value), where value is an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            yield number, varint()
        elif kind == 2:
            length = varint()
            if at + length > len(data):
                raise ValueError("a field that is longer than its message")
            yield number, data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {kind}")


def rich_status(data):
    """google.rpc.Status, with the delay of a google.rpc.RetryInfo among its details."""
    status = {"code": 0, "message": "", "types": []}
    for number, value in fields(data):
        if number == 1:
            status["code"] = value
        elif number == 2:
            status["message"] = value.decode()
        elif number == 3:
            any_message = dict(fields(value))
            kind = any_message[1].decode()
            status["types"].append(kind)
            if kind == "type.googleapis.com/google.rpc.RetryInfo":
                duration = dict(fields(dict(fields(any_message.get(2, b""))).get(1, b"")))
                status["retry_delay_ms"] = (
                    duration.get(1, 0) * 1000 + duration.get(2, 0) // 1_000_000
                )
    return status


def metadata(pairs):
    return [[key, list(v) if isinstance(v, bytes) else v] for key, v in pairs or ()]


def call(channel, method):
    unary = channel.unary_unary(method)
    result = {"method": method, "status": None, "response": None}
    try:
        response, done = unary.with_call(b"", timeout=20)
        result["response"] = list(response)
    except grpc.RpcError as error:
        done = error
    result["code"] = done.code().name
    result["details"] = done.details()
    result["initial"] = metadata(done.initial_metadata())
    trailing = done.trailing_metadata()
    result["trailing"] = metadata(trailing)
    for key, value in trailing or ():
        if key == "grpc-status-details-bin":
            result["status"] = rich_status(value)
    return result


def main():
    options = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(sys.argv[1], options=options) as channel:
        for method in sys.argv[2:]:
            print(json.dumps(call(channel, method)))


main()
