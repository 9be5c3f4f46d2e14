;; A guest that puts out, fails, publishes and logs, and then traps: nothing of it goes out but the
;; log.
;;
;; upload: admitted
;; run Mutation.f: RESOLVER_TRAP "unreachable" published 0 logged 1
(module
  (@custom "runnel.schema"
    "type Mutation { f: String }\n"
    "type Subscription { ok: String @on(channel: \"c\") }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "fail" (func $fail (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func (export "Mutation.f") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (call $fail (i32.const 16) (i32.const 4))
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $log (i32.const 1) (i32.const 16) (i32.const 4))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
