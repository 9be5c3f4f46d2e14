;; A line of all the memory there is, on every level; the trap after it does not repeat it all.
;;
;; upload: admitted
;; run Subscription.f: skip logged 1
;; run Subscription.trap: RESOLVER_TRAP "xxxxxxxx" "unreachable" logged 1
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "trap: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func $huge (param $level i32)
    (drop (memory.grow (i32.const 255)))
    (memory.fill (i32.const 32) (i32.const 0x78) (i32.const 0xffffe0))
    (call $log (local.get $level) (i32.const 32) (i32.const 0xffffe0)))
  (func (export "Subscription.f") (result i32)
    (call $huge (i32.const 1))
    (call $log (i32.const 1) (i32.const 16) (i32.const 4))
    (i32.const 0))
  (func (export "Subscription.trap") (result i32)
    (call $huge (i32.const 3))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
