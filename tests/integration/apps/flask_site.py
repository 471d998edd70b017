"""A Flask application as people write them: routes, JSON, forms, sessions, errors, streams."""

from flask import Flask, Response, abort, jsonify, redirect, request, session, url_for


def create_app() -> Flask:
    app = Flask(__name__)
    app.secret_key = "a secret of the tests"

    @app.get("/")
    def index():
        return "flask"

    @app.post("/login")
    def login():
        session["name"] = request.form["name"]
        return redirect(url_for("whoami"))

    @app.get("/whoami")
    def whoami():
        return jsonify(name=session.get("name"), agent=request.user_agent.string)

    @app.post("/upload")
    def upload():
        return jsonify({key: len(file.read()) for key, file in request.files.items()})

    @app.get("/stream")
    def stream():
        return Response((f"{i}\n" for i in range(1000)), mimetype="text/plain")

    @app.get("/teapot")
    def teapot():
        abort(418)

    @app.get("/broken")
    def broken():
        raise RuntimeError("the view raised")

    return app


app = create_app()
