// Relay: passes what a binding sends to the server, and says in the binding's own form why it cannot.
import { WorkerEntrypoint } from "cloudflare:workers";

const UNAVAILABLE = 503;

function told(kind, message) {
  const body = kind === "vectorize"
    ? { code: 40000, error: message }
    : { name: "InferenceUpstreamError", internalCode: 5000, message, description: message,
        errors: [{ code: 5000, message }], success: false, result: {} };
  return new Response(JSON.stringify(body), {
    status: UNAVAILABLE,
    headers: { "content-type": "application/json" },
  });
}

class Relay extends WorkerEntrypoint {
  // The Response is handed back unread, so its body flows past this Worker, not through it.
  async fetch(request) {
    const { to, kind } = this.ctx.props;
    try {
      return await this.env[to].fetch(request);
    } catch {
      return told(kind, await this.#reason(to));
    }
  }

  // An answer of whatever kind to a second request shows that it runs.
  async #reason(to) {
    try {
      const answer = await this.env[to].fetch(`${this.env.URL}/health`);
      await answer.body?.cancel();
      return `The connection to Selvedge at ${this.env.URL} was lost before it answered`;
    } catch {
      return `Selvedge is not running at ${this.env.URL}; start it with "selvedge serve"`;
    }
  }

  // Methods that bindings call on their service (aiSearch, websearch, ...) are not known beforehand: each has this
  // answer. `then` would make the object look like a promise.
  constructor(ctx, env) {
    super(ctx, env);
    return new Proxy(this, {
      get(target, property) {
        if (typeof property === "symbol" || property === "then" || property in target) {
          const value = Reflect.get(target, property);
          return typeof value === "function" ? value.bind(target) : value;
        }
        return () => {
          throw new Error(`env.${ctx.props.name}.${property}() is not available: Selvedge does not serve it`);
        };
      },
    });
  }
}

export default Relay;
