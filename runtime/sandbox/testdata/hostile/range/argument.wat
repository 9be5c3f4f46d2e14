;; Names and buffers for argument outside the memory, whether or not there is such a thing.
;;
;; upload: admitted
;; run Subscription.namePast: RESOLVER_TRAP "argument: the range of 2 bytes at 65535 lies outside the memory of 65536 bytes"
;; run Subscription.namePastByMuch: RESOLVER_TRAP "argument: the range of 1 bytes at 2147483647 lies outside the memory of 65536 bytes"
;; run Subscription.nameWraps: RESOLVER_TRAP "argument: the range of 32 bytes at 4294967280 lies outside the memory of 65536 bytes"
;; run Subscription.nameAll: RESOLVER_TRAP "argument: the range of 4294967295 bytes at 0 lies outside the memory of 65536 bytes"
;; run Subscription.nameNothingPast: RESOLVER_TRAP "argument: the range of 0 bytes at 65537 lies outside the memory of 65536 bytes"
;; run Subscription.bufferPast: RESOLVER_TRAP "argument: the range of 2 bytes at 65535 lies outside the memory of 65536 bytes"
;; run Subscription.bufferPastByMuch: RESOLVER_TRAP "argument: the range of 1 bytes at 2147483647 lies outside the memory of 65536 bytes"
;; run Subscription.bufferWraps: RESOLVER_TRAP "argument: the range of 32 bytes at 4294967280 lies outside the memory of 65536 bytes"
;; run Subscription.bufferAll: RESOLVER_TRAP "argument: the range of 4294967295 bytes at 0 lies outside the memory of 65536 bytes"
;; run Subscription.bufferNothingPast: RESOLVER_TRAP "argument: the range of 0 bytes at 65537 lies outside the memory of 65536 bytes"
;; run Subscription.absent: RESOLVER_TRAP "argument: the range of 2 bytes at 65535 lies outside the memory of 65536 bytes"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "namePast: String @on(channel: \"c\")\n"
    "namePastByMuch: String @on(channel: \"c\")\n"
    "nameWraps: String @on(channel: \"c\")\n"
    "nameAll: String @on(channel: \"c\")\n"
    "nameNothingPast: String @on(channel: \"c\")\n"
    "bufferPast: String @on(channel: \"c\")\n"
    "bufferPastByMuch: String @on(channel: \"c\")\n"
    "bufferWraps: String @on(channel: \"c\")\n"
    "bufferAll: String @on(channel: \"c\")\n"
    "bufferNothingPast: String @on(channel: \"c\")\n"
    "absent: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "argument" (func $argument (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "a")
  (func (export "Subscription.namePast") (result i32)
    (drop (call $argument (i32.const 65535) (i32.const 2) (i32.const 1024) (i32.const 64)))
    (i32.const 0))
  (func (export "Subscription.namePastByMuch") (result i32)
    (drop (call $argument (i32.const 2147483647) (i32.const 1) (i32.const 1024) (i32.const 64)))
    (i32.const 0))
  (func (export "Subscription.nameWraps") (result i32)
    (drop (call $argument (i32.const -16) (i32.const 32) (i32.const 1024) (i32.const 64)))
    (i32.const 0))
  (func (export "Subscription.nameAll") (result i32)
    (drop (call $argument (i32.const 0) (i32.const -1) (i32.const 1024) (i32.const 64)))
    (i32.const 0))
  (func (export "Subscription.nameNothingPast") (result i32)
    (drop (call $argument (i32.const 65537) (i32.const 0) (i32.const 1024) (i32.const 64)))
    (i32.const 0))
  (func (export "Subscription.bufferPast") (result i32)
    (drop (call $argument (i32.const 32) (i32.const 1) (i32.const 65535) (i32.const 2)))
    (i32.const 0))
  (func (export "Subscription.bufferPastByMuch") (result i32)
    (drop (call $argument (i32.const 32) (i32.const 1) (i32.const 2147483647) (i32.const 1)))
    (i32.const 0))
  (func (export "Subscription.bufferWraps") (result i32)
    (drop (call $argument (i32.const 32) (i32.const 1) (i32.const -16) (i32.const 32)))
    (i32.const 0))
  (func (export "Subscription.bufferAll") (result i32)
    (drop (call $argument (i32.const 32) (i32.const 1) (i32.const 0) (i32.const -1)))
    (i32.const 0))
  (func (export "Subscription.bufferNothingPast") (result i32)
    (drop (call $argument (i32.const 32) (i32.const 1) (i32.const 65537) (i32.const 0)))
    (i32.const 0))
  (func (export "Subscription.absent") (result i32)
    (drop (call $argument (i32.const 33) (i32.const 0) (i32.const 65535) (i32.const 2)))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
