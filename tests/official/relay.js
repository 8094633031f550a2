// Stands between Stripe's command line and a sandbox, to have the listener's socket end when a test
// wants: it asks the listener to reconnect often, or cuts the line.

import { createServer, request as requestOf } from "node:http";
import { connect } from "node:net";

export async function relay(origin, { reconnectSecs } = {}) {
  const line = new Relay(new URL(origin), reconnectSecs);
  await line.listen();
  return line;
}

class Relay {
  sessions = 0;
  sockets = 0;
  #open = new Set();
  #server;
  #target;
  #reconnectSecs;

  constructor(target, reconnectSecs) {
    this.#target = target;
    this.#reconnectSecs = reconnectSecs;
    this.#server = createServer((request, response) => this.#pass(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#join(request, socket, head));
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#server.unref();
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
  }

  #pass(request, response) {
    const { method, url, headers } = request;
    const asked = requestOf({ host: this.#target.hostname, port: this.#target.port, method, path: url, headers });
    asked.on("response", async (answer) => {
      const body = Buffer.concat(await answer.toArray());
      const { "content-length": _, "transfer-encoding": __, ...kept } = answer.headers;
      response.writeHead(answer.statusCode, kept);
      response.end(url === "/v1/stripecli/sessions" ? this.#rewritten(body) : body);
    });
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  }

  // The sandbox names its own address for the socket; ours takes its place.
  #rewritten(body) {
    this.sessions += 1;
    const session = JSON.parse(body);
    const { pathname, search } = new URL(session.websocket_url);
    session.websocket_url = `${this.origin.replace("http", "ws")}${pathname}${search}`;
    session.reconnect_delay = this.#reconnectSecs ?? session.reconnect_delay;
    return JSON.stringify(session);
  }

  #join(request, socket, head) {
    this.sockets += 1;
    const beyond = connect(Number(this.#target.port), this.#target.hostname);
    beyond.write(headOf(request));
    beyond.write(head);
    socket.pipe(beyond).pipe(socket);
    for (const end of [socket, beyond]) {
      this.#open.add(end);
      end.on("close", () => this.#open.delete(end));
      end.on("error", () => end.destroy());
    }
  }

  cut() {
    this.#open.forEach((end) => end.destroy());
  }

  async close() {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function headOf({ method, url, rawHeaders }) {
  const lines = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return `${method} ${url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}
