-- SPDX-License-Identifier: Apache-2.0
-- For wrk: asks more than a server can do, and counts what it says to that:
-- wrk ... -s overload.lua URL -- BODIES PAUSE [KEY]
-- Each connection waits PAUSE milliseconds on average before a request, at random, answered
-- or refused. Ends with one line of JSON.
local bodies, threads = {}, {}
counts, unexplained = {}, 0
local at, pause = 0, 0

function setup(thread)
    threads[#threads + 1] = thread
end

function init(arguments)
    local fields = {["Content-Type"] = "application/json", ["X-API-Key"] = arguments[3]}
    for line in io.lines(arguments[1]) do
        bodies[#bodies + 1] = wrk.format("POST", nil, fields, line)
    end
    math.randomseed(os.time())
    at = math.random(#bodies)
    pause = tonumber(arguments[2])
end

function delay()
    return math.floor(-pause * math.log(1 - math.random()) + 0.5)
end

function request()
    at = at % #bodies + 1
    return bodies[at]
end

-- A refusal explains itself by 429 or 503, and by when to come again.
function response(status, headers, _)
    counts[tostring(status)] = (counts[tostring(status)] or 0) + 1
    if status ~= 200 then
        local later = tonumber(headers["Retry-After"] or "")
        if (status ~= 429 and status ~= 503) or not later or later < 1 then
            unexplained = unexplained + 1
        end
    end
end

function done(summary, latency, _)
    local sums, wrong = {}, 0
    for _, thread in ipairs(threads) do
        wrong = wrong + thread:get("unexplained")
        for code, count in pairs(thread:get("counts")) do
            sums[code] = (sums[code] or 0) + count
        end
    end
    local list = {}
    for code, count in pairs(sums) do
        list[#list + 1] = string.format('"%s": %d', code, count)
    end
    local failed = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %.3f, "p99_ms": %.3f, "statuses": {%s}, ' ..
        '"unexplained": %d, "socket_errors": %d}\n', summary.requests, summary.duration / 1e6,
        latency:percentile(99) / 1000, table.concat(list, ", "), wrong,
        failed.connect + failed.read + failed.write + failed.timeout))
end
