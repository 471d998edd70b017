"""The forms in which an application can be named."""


def say(text):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text.encode()]

    return application


def make(argument=None):
    return say(f"made of {argument}")


application = say("application")
other = say("other")
number = 42
nothing = None


async def coroutine(scope, receive, send): ...


class Asynchronous:
    async def __call__(self, scope, receive, send): ...


def broken():
    raise RuntimeError("the factory raised")
