"""What the oracle may be told to do instead of taking events: the bad manners of vendors."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

PHRASES = {200: "OK", 302: "Found", 307: "Temporary Redirect", 400: "Bad Request", 429: "Too Many Requests"}


def response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer."""
    lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    return f"HTTP/1.1 {status} {PHRASES.get(status, 'Status')}\r\n{head}\r\n".encode() + body


def failure(status: int, code: int, subcode: int | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """Meta's error object. Its text repeats what a log must not hold."""
    error: dict[str, Any] = {"message": "leak@people.example said no", "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return response(status, json.dumps({"error": error}).encode(), headers)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def misbehave(order: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
    """Carry out an order that gives no sensible answer; the connection may be used up afterwards."""
    match order["do"]:
        case "status":
            headers = {"retry-after": order["retry_after"]} if "retry_after" in order else {}
            if "code" in order:
                writer.write(failure(order["status"], order["code"], order.get("subcode"), headers))
            else:
                writer.write(response(order["status"], b"<html>no</html>", headers | {"content-type": "text/html"}))
        case "body":
            writer.write(response(order.get("status", 200), order["body"].encode("latin-1")))
        case "deep":
            writer.write(response(200, b"[" * 10_000 + b"]" * 10_000))
        case "redirect":
            writer.write(response(order["status"], b"", {"location": order["location"]}))
        case "reset":
            reset(writer)
        case "half":
            writer.write(response(200, b'{"events_received":1}')[:-9])
            await writer.drain()
            reset(writer)
        case "hang":
            await asyncio.sleep(order.get("seconds", 3600))
            reset(writer)
        case "trickle":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(1000):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)
        case "endless":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            for _ in range(1000):
                writer.write(b" " * 1_000_000)
                await writer.drain()
        case "headers":
            writer.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(100_000):
                writer.write(f"x-{number}: {'y' * 200}\r\n".encode())
                await writer.drain()
        case "bomb":
            packed = gzip.compress(b" " * 50_000_000)
            writer.write(response(200, packed, {"content-encoding": "gzip"}))
        case unknown:
            raise ValueError(f"no such behaviour: {unknown}")
    await writer.drain()
