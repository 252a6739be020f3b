-- Arguments: the file that holds the request, as it is sent; the file of values, one a line, all of
-- one length. {value} in the request stands for one of them, drawn at random each time.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("seed", threads)
end

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local head, tail, values, length, count, constant

function init(args)
    math.randomseed(seed)
    local template = read(args[1])
    values = read(args[2])
    length = values:find("\n", 1, true)
    count = #values / length
    local from, to = template:find("{value}", 1, true)
    if not from or count == 1 then
        constant = template:gsub("{value}", values:sub(1, length - 1))
        return
    end
    head, tail = template:sub(1, from - 1), template:sub(to + 1)
end

function request()
    if constant then
        return constant
    end
    local at = math.random(0, count - 1) * length
    return head .. values:sub(at + 1, at + length - 1) .. tail
end

-- The last line of what wrk prints: JSON, latencies in milliseconds.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"p50":%.4f,"p99":%.4f,"p999":%.4f,"refused":%d,"failed":%d}\n',
        summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout
    ))
end
