module github.com/runnel-dev/runnel/cmd/bench/floor

go 1.26.0
