;; Lines outside the memory, at levels that there are and that there are not.
;;
;; upload: admitted
;; run Subscription.past: RESOLVER_TRAP "log: the range of 2 bytes at 65535 lies outside the memory of 65536 bytes"
;; run Subscription.pastByMuch: RESOLVER_TRAP "log: the range of 1 bytes at 2147483647 lies outside the memory of 65536 bytes"
;; run Subscription.wraps: RESOLVER_TRAP "log: the range of 32 bytes at 4294967280 lies outside the memory of 65536 bytes"
;; run Subscription.all: RESOLVER_TRAP "log: the range of 4294967295 bytes at 0 lies outside the memory of 65536 bytes"
;; run Subscription.nothingPast: RESOLVER_TRAP "log: the range of 0 bytes at 65537 lies outside the memory of 65536 bytes"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "past: String @on(channel: \"c\")\n"
    "pastByMuch: String @on(channel: \"c\")\n"
    "wraps: String @on(channel: \"c\")\n"
    "all: String @on(channel: \"c\")\n"
    "nothingPast: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.past") (result i32)
    (call $log (i32.const 0) (i32.const 65535) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.pastByMuch") (result i32)
    (call $log (i32.const 3) (i32.const 2147483647) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.wraps") (result i32)
    (call $log (i32.const 99) (i32.const -16) (i32.const 32))
    (i32.const 0))
  (func (export "Subscription.all") (result i32)
    (call $log (i32.const 1) (i32.const 0) (i32.const -1))
    (i32.const 0))
  (func (export "Subscription.nothingPast") (result i32)
    (call $log (i32.const -1) (i32.const 65537) (i32.const 0))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
