-- Asks Moneyer about a request, and leaves the answer in the variables txn.moneyer_… for haproxy.cfg to judge.
-- Whatever goes wrong leaves no status, which haproxy.cfg refuses.

local url, socket = "http://moneyer/v2/verify?", "abns@moneyer"
local passed_on = { "authorization", "x-api-key", "origin", "referer" }
local answered = {
    moneyer_account = "x-moneyer-account",
    moneyer_key = "x-moneyer-key",
    moneyer_token = "x-moneyer-token",
    moneyer_scopes = "x-moneyer-scopes",
    moneyer_challenge = "www-authenticate",
    moneyer_retry_after = "retry-after",
}

core.register_action("moneyer", { "http-req" }, function(txn)
    local headers = {
        ["x-original-uri"] = { txn.f:pathq() },
        ["x-forwarded-for"] = { txn.f:src() },
        -- From another machine: ["x-moneyer-key"] = { os.getenv("VERIFY_KEY") },
    }
    local sent = txn.http:req_get_headers()
    for _, name in ipairs(passed_on) do
        headers[name] = sent[name]
    end

    local query = txn:get_var("txn.moneyer_query") or ""
    local answer = core.httpclient():get({ url = url .. query, dst = socket, headers = headers })
    txn:set_var("txn.moneyer_status", answer.status)
    txn:set_var("txn.moneyer_body", answer.body or "")
    for variable, name in pairs(answered) do
        local values = answer.headers and answer.headers[name]
        txn:set_var("txn." .. variable, values and values[0] or "")
    end
end)
