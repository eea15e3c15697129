-- SPDX-License-Identifier: Apache-2.0
-- For wrk: POSTs the bodies of a file, a line each, one after the other, and ends with
-- one line of JSON: wrk ... -s texts.lua URL -- BODIES [PAUSE]
-- Each connection waits PAUSE milliseconds on average before a request, at random as
-- independent users would.
local bodies, at = {}, 0

-- Threads start at different places, so that they do not ask the same at once.
local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

function init(arguments)
    for line in io.lines(arguments[1]) do
        bodies[#bodies + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, line)
    end
    at = number * 7919
    math.randomseed(7 + number)
    local pause = tonumber(arguments[2] or "0")
    if pause > 0 then
        function delay()
            return math.floor(-pause * math.log(1 - math.random()) + 0.5)
        end
    end
end

function request()
    at = at % #bodies + 1
    return bodies[at]
end

function done(summary, latency, _)
    local failed = summary.errors
    io.write(string.format(
        '{"requests_per_second": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
        '"requests": %d, "not_2xx": %d, "socket_errors": %d}\n',
        summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
        latency:percentile(99) / 1000, latency.max / 1000, summary.requests, failed.status,
        failed.connect + failed.read + failed.write + failed.timeout))
end
