-- SPDX-License-Identifier: Apache-2.0
-- For wrk: asks for texts whose answers it knows, version by version:
-- wrk ... -s reload.lua URL -- KNOWN
-- A line of KNOWN: BODY <tab> VERSION <tab> ANSWER <tab> VERSION <tab> ANSWER ..., where the
-- answer's body has to begin with ANSWER. The request's id tells which text an answer is for.
-- Ends with one line of JSON.
local known, threads, at = {}, {}, 0
versions, wrong, refused, example = {}, 0, 0, ""

function setup(thread)
    threads[#threads + 1] = thread
end

function init(arguments)
    for line in io.lines(arguments[1]) do
        local parts = {}
        for part in string.gmatch(line, "[^\t]+") do
            parts[#parts + 1] = part
        end
        local number = #known + 1
        local entry = {request = wrk.format("POST", nil, {["Content-Type"] = "application/json",
                                            ["X-Request-Id"] = tostring(number)}, parts[1])}
        for i = 2, #parts, 2 do
            entry[parts[i]] = parts[i + 1]
        end
        known[number] = entry
    end
end

function request()
    at = at % #known + 1
    return known[at].request
end

function response(status, headers, body)
    if status ~= 200 then
        refused = refused + 1
        example = body
        return
    end
    local version = headers["X-Model-Version"] or "none"
    local entry = known[tonumber(headers["X-Request-Id"])]
    local answer = entry and entry[version]
    versions[version] = (versions[version] or 0) + 1
    if not answer or string.sub(body, 1, #answer) ~= answer then
        wrong = wrong + 1
        example = version .. ": " .. body
    end
end

function done(summary, latency, _)
    local sums, lost, bad, examples = {}, 0, 0, {}
    for _, thread in ipairs(threads) do
        lost = lost + thread:get("refused")
        bad = bad + thread:get("wrong")
        if thread:get("example") ~= "" then
            examples[#examples + 1] = thread:get("example")
        end
        for version, count in pairs(thread:get("versions")) do
            sums[version] = (sums[version] or 0) + count
        end
    end
    local list = {}
    for version, count in pairs(sums) do
        list[#list + 1] = string.format('"%s": %d', version, count)
    end
    for _, text in ipairs(examples) do
        io.stderr:write(text, "\n")
    end
    local failed = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
        '"versions": {%s}, "wrong": %d, "refused": %d, "broken": %d}\n', summary.requests,
        summary.duration / 1e6, latency:percentile(99) / 1000, latency.max / 1000,
        table.concat(list, ", "), bad, lost,
        failed.connect + failed.read + failed.write + failed.timeout))
end
