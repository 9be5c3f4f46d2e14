module github.com/runnel-dev/runnel/cmd/bench

go 1.26.0

require github.com/runnel-dev/runnel v0.0.0

replace github.com/runnel-dev/runnel => ../..
