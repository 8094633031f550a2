"""Notes: writing is free, the export is part of Pro. Tollgate knows who has it."""

import logging
import os
import secrets
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.middleware.sessions import SessionMiddleware

from tollgate import Tollgate, TollgateError

HERE = Path(__file__).parent
# Never taken from the request: whoever sends it would say where people come back to.
APP_URL = os.environ.get("APP_URL", "http://localhost:8000")
WEEK_SECS = 7 * 24 * 3600
NOTES = [
    "Water the fig tree on Sundays",
    "Ask Grace about the compiler",
    "A toll gate has one arm and no opinions",
]

log = logging.getLogger("uvicorn.error")
templates = Jinja2Templates(HERE / "templates")
templates.env.filters["date"] = lambda it: f"{datetime.fromisoformat(it):%-d %B %Y}"


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.tollgate = Tollgate()
    yield
    await app.state.tollgate.close()


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
app.mount("/static", StaticFiles(directory=HERE / "static"))
app.add_middleware(
    SessionMiddleware,
    # Without a secret of its own, a restart signs everybody out.
    secret_key=os.environ.get("SESSION_SECRET") or secrets.token_hex(32),
    session_cookie="notes",
    max_age=WEEK_SECS,
    # Not sent along with forms of other sites, so that none of them can press our buttons.
    same_site="lax",
    https_only=APP_URL.startswith("https:"),
)


def user_of(request: Request) -> str:
    """Who is signed in; everybody else is led to the form."""
    if user := request.session.get("user"):
        return user
    raise HTTPException(303, headers={"location": "/"})


def tollgate_of(request: Request) -> Tollgate:
    return request.app.state.tollgate


User = Annotated[str, Depends(user_of)]
Gate = Annotated[Tollgate, Depends(tollgate_of)]


@app.get("/", response_class=HTMLResponse)
async def home(request: Request, tollgate: Gate, checkout: str = ""):
    user = request.session.get("user")
    if not user:
        return templates.TemplateResponse(request, "sign_in.html")
    # This page is free: it is there also while Tollgate is not.
    try:
        known = await tollgate.access(user)
    except TollgateError:
        known = None
    context = {"user": user, "known": known, "notes": NOTES, "canceled": checkout == "canceled"}
    return templates.TemplateResponse(request, "home.html", context)


@app.post("/sign-in")
async def sign_in(request: Request, name: Annotated[str, Form()] = ""):
    """A demo: whoever types a name is that user.

    Put your own sign-in here; Tollgate needs nothing of it but an id that stays the same for a
    user.
    """
    if user := name.strip().lower()[:40]:
        request.session["user"] = user
    return RedirectResponse("/", 303)


@app.post("/sign-out")
async def sign_out(request: Request):
    request.session.clear()
    return RedirectResponse("/", 303)


@app.get("/export", response_class=HTMLResponse)
async def export(request: Request, user: User, tollgate: Gate):
    """The gate."""
    known = await tollgate.access(user)
    context = {"user": user, "known": known, "notes": NOTES}
    if "export" not in known.features:
        return templates.TemplateResponse(request, "gate.html", context, status_code=402)
    return templates.TemplateResponse(request, "export.html", context)


@app.post("/buy")
async def buy(user: User, tollgate: Gate):
    url = await tollgate.checkout_url(user, "pro", "monthly", f"{APP_URL}/welcome")
    return RedirectResponse(url, 303)


@app.post("/billing")
async def billing(user: User, tollgate: Gate):
    return RedirectResponse(await tollgate.portal_url(user, f"{APP_URL}/"), 303)


@app.get("/welcome", response_class=HTMLResponse)
async def welcome(request: Request, user: User, tollgate: Gate):
    """People come here after paying, and Tollgate knows it by then."""
    context = {"user": user, "known": await tollgate.access(user)}
    return templates.TemplateResponse(request, "welcome.html", context)


@app.exception_handler(TollgateError)
async def away(request: Request, error: TollgateError):
    log.error("Tollgate: %s: %s", error.code, error)
    path = request.url.path if request.method == "GET" else "/"
    context = {"user": request.session.get("user"), "path": path}
    return templates.TemplateResponse(request, "away.html", context, status_code=503)
