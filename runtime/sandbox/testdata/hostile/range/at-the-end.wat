;; Ranges that end where the memory ends, and empty ones there: they are good.
;;
;; upload: admitted
;; run Subscription.f: skip
;; run Subscription.empty: BAD_OUTPUT "the output is empty"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "empty: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "input" (func $input (param i32 i32 i32) (result i32)))
  (import "runnel_v1" "argument" (func $argument (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "permitted" (func $permitted (param i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (drop (call $input (i32.const 0) (i32.const 65536) (i32.const 0)))
    (drop (call $input (i32.const 0) (i32.const 65529) (i32.const 7)))
    (drop (call $argument (i32.const 65536) (i32.const 0) (i32.const 65536) (i32.const 0)))
    (drop (call $permitted (i32.const 65535) (i32.const 1)))
    (call $log (i32.const 1) (i32.const 65536) (i32.const 0))
    (i32.const 0))
  (func (export "Subscription.empty") (result i32)
    (call $output (i32.const 65536) (i32.const 0))
    (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
