;; Channels and payloads outside the memory.
;;
;; upload: admitted
;; run Mutation.channelPast: RESOLVER_TRAP "publish: the range of 2 bytes at 65535 lies outside the memory of 65536 bytes"
;; run Mutation.channelPastByMuch: RESOLVER_TRAP "publish: the range of 1 bytes at 2147483647 lies outside the memory of 65536 bytes"
;; run Mutation.channelWraps: RESOLVER_TRAP "publish: the range of 32 bytes at 4294967280 lies outside the memory of 65536 bytes"
;; run Mutation.channelAll: RESOLVER_TRAP "publish: the range of 4294967295 bytes at 0 lies outside the memory of 65536 bytes"
;; run Mutation.channelNothingPast: RESOLVER_TRAP "publish: the range of 0 bytes at 65537 lies outside the memory of 65536 bytes"
;; run Mutation.payloadPast: RESOLVER_TRAP "publish: the range of 2 bytes at 65535 lies outside the memory of 65536 bytes"
;; run Mutation.payloadPastByMuch: RESOLVER_TRAP "publish: the range of 1 bytes at 2147483647 lies outside the memory of 65536 bytes"
;; run Mutation.payloadWraps: RESOLVER_TRAP "publish: the range of 32 bytes at 4294967280 lies outside the memory of 65536 bytes"
;; run Mutation.payloadAll: RESOLVER_TRAP "publish: the range of 4294967295 bytes at 0 lies outside the memory of 65536 bytes"
;; run Mutation.payloadNothingPast: RESOLVER_TRAP "publish: the range of 0 bytes at 65537 lies outside the memory of 65536 bytes"
(module
  (@custom "runnel.schema"
    "type Mutation {\n"
    "channelPast: String\n"
    "channelPastByMuch: String\n"
    "channelWraps: String\n"
    "channelAll: String\n"
    "channelNothingPast: String\n"
    "payloadPast: String\n"
    "payloadPastByMuch: String\n"
    "payloadWraps: String\n"
    "payloadAll: String\n"
    "payloadNothingPast: String\n"
    "}\n"
    "type Subscription { ok: String @on(channel: \"c\") }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func (export "Mutation.channelPast") (result i32)
    (drop (call $publish (i32.const 65535) (i32.const 2) (i32.const 16) (i32.const 4)))
    (i32.const 0))
  (func (export "Mutation.channelPastByMuch") (result i32)
    (drop (call $publish (i32.const 2147483647) (i32.const 1) (i32.const 16) (i32.const 4)))
    (i32.const 0))
  (func (export "Mutation.channelWraps") (result i32)
    (drop (call $publish (i32.const -16) (i32.const 32) (i32.const 16) (i32.const 4)))
    (i32.const 0))
  (func (export "Mutation.channelAll") (result i32)
    (drop (call $publish (i32.const 0) (i32.const -1) (i32.const 16) (i32.const 4)))
    (i32.const 0))
  (func (export "Mutation.channelNothingPast") (result i32)
    (drop (call $publish (i32.const 65537) (i32.const 0) (i32.const 16) (i32.const 4)))
    (i32.const 0))
  (func (export "Mutation.payloadPast") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 65535) (i32.const 2)))
    (i32.const 0))
  (func (export "Mutation.payloadPastByMuch") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 2147483647) (i32.const 1)))
    (i32.const 0))
  (func (export "Mutation.payloadWraps") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const -16) (i32.const 32)))
    (i32.const 0))
  (func (export "Mutation.payloadAll") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 0) (i32.const -1)))
    (i32.const 0))
  (func (export "Mutation.payloadNothingPast") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 65537) (i32.const 0)))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
