"""Finds the application: APP_MODULE as gunicorn knows it.

module                     the attribute `application` of the module
module:name                another attribute
module:factory("x", k=1)   what a call returns; the arguments are literals
"""

import ast
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Application = Callable[..., Any]


class AppError(Exception):
    """There is no usable application where we were told to look; the message says what to do."""


@dataclass(frozen=True)
class AppSpec:
    """APP_MODULE, taken apart."""

    module: str
    name: str = "application"
    is_factory: bool = False
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


def parse(text: str) -> AppSpec:
    """Takes APP_MODULE apart; AppError if it is malformed."""
    module, colon, expression = text.partition(":")
    if not module:
        raise AppError(f"{text!r} names no module: write MODULE:CALLABLE, like 'shop.wsgi:app'")
    if not colon:
        return AppSpec(module)
    malformed = AppError(
        f"{expression!r} in {text!r} must be a name, like 'app', or a call of a name with literal "
        "arguments, like 'create_app(\"production\")'"
    )
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        raise malformed from None
    match node:
        case ast.Name(id=name):
            return AppSpec(module, name)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            try:
                positional = tuple(ast.literal_eval(arg) for arg in args)
                named = {_name_of(one): ast.literal_eval(one.value) for one in keywords}
            except ValueError:
                raise malformed from None
            return AppSpec(module, name, is_factory=True, args=positional, kwargs=named)
    raise malformed


def _name_of(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise ValueError("**kwargs is no literal")
    return keyword.arg


def load(text: str) -> Application:
    """Imports and returns the application.

    AppError if what is found cannot be used. Whatever else is raised comes from the import or from
    the factory, and is for the application's author to see.
    """
    spec = parse(text)
    try:
        module = importlib.import_module(spec.module)
    except ModuleNotFoundError as error:
        if spec.module.endswith(".py") and os.path.exists(spec.module):
            name = spec.module.removesuffix(".py").replace("/", ".")
            error.add_note(f"Did you mean '{name}:{spec.name}'?")
        elif error.name == spec.module.partition(".")[0]:
            here = os.getcwd()
            if not os.access(here, os.R_OK | os.X_OK):
                here += " (which this user may not read)"
            error.add_note(
                f"There is no module {error.name!r} in {here} or elsewhere on sys.path: "
                "start in the directory that has it, or name that one with --chdir or --pythonpath."
            )
        else:
            error.add_note(
                f"The interpreter is {sys.executable}. If {error.name!r} is installed in a "
                "virtualenv, activate it or name its interpreter with --python."
            )
        raise
    try:
        app = getattr(module, spec.name)
    except AttributeError:
        raise AppError(
            f"module {spec.module!r} has no attribute {spec.name!r}: "
            f"write the name of its application, as in '{spec.module}:NAME'"
        ) from None
    if spec.is_factory:
        app = _call(app, spec, text)
    if app is None:
        raise AppError(f"{text!r} is None, not an application")
    if not callable(app):
        raise AppError(f"{text!r} is of type {type(app).__name__}, which cannot be called")
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__):
        raise AppError(
            f"{text!r} is an ASGI application, and only WSGI is served: name the WSGI application "
            "if there is one, like 'shop.wsgi' of a Django project"
        )
    return app


def _call(factory: Any, spec: AppSpec, text: str) -> Any:
    if not callable(factory):
        raise AppError(
            f"{spec.name!r} in {text!r} is of type {type(factory).__name__}, not a function"
        )
    try:
        return factory(*spec.args, **spec.kwargs)
    except TypeError as error:
        # With a second frame, the function was entered, and the error is its own.
        if error.__traceback__ is None or error.__traceback__.tb_next is None:
            raise AppError(f"cannot call {text!r}: {error}") from None
        raise
