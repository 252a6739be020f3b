// better-auth with its API-key plugin. `node server.mjs` makes the store (DATABASE in the environment) with a good
// key, and prints that as JSON; with PORT in the environment it serves, by one process for each of WORKERS.
import cluster from "node:cluster";
import http from "node:http";

import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import Database from "better-sqlite3";

const { DATABASE, PORT, WORKERS } = process.env;

function open() {
    const database = new Database(DATABASE, { timeout: 30000 });
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL"); // durable at each commit, as Moneyer is
    return betterAuth({
        baseURL: "http://127.0.0.1",
        secret: "of no value outside of the benchmark",
        database,
        telemetry: { enabled: false },
        // The plugin's own rate limit would refuse the load.
        plugins: [apiKey({ rateLimit: { enabled: false } })],
    });
}

async function make() {
    const auth = open();
    await (await getMigrations(auth.options)).runMigrations();
    const { internalAdapter } = await auth.$context;
    const user = await internalAdapter.createUser({ email: "bench@example.org", name: "bench", emailVerified: true });
    const { key } = await auth.api.createApiKey({ body: { userId: user.id } });
    console.log(JSON.stringify({ user: user.id, key }));
}

// Nobody is asked for credentials when a key is created: that favours the package.
function answerers(auth) {
    return {
        "/create": async (value) => ({ key: (await auth.api.createApiKey({ body: { userId: value } })).key }),
        "/verify": async (value) => ({ active: (await auth.api.verifyApiKey({ body: { key: value } })).valid }),
    };
}

function serve() {
    const answer = answerers(open());
    const server = http.createServer(async (request, response) => {
        const value = request.headers["x-api-key"];
        const found = await answer[request.url]?.(value).catch((error) => ({ error: String(error) }));
        const body = JSON.stringify(found ?? {});
        response.writeHead(found?.key || found?.active ? 200 : 500, {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
        });
        response.end(body);
    });
    server.keepAliveTimeout = 60000;
    server.listen(Number(PORT), "127.0.0.1");
}

if (!PORT) {
    await make();
} else if (cluster.isPrimary) {
    for (let worker = 0; worker < Number(WORKERS); worker++) cluster.fork();
} else {
    serve();
}
