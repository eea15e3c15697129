module go_bench

go 1.24

require libsentiment/sentiment v0.0.0

replace libsentiment/sentiment => ../../../bindings/go
