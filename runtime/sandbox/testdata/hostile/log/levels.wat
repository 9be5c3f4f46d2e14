;; Levels that there are not count as the nearest.
;;
;; upload: admitted
;; run Subscription.f: skip logged 4
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (call $log (i32.const 0x80000000) (i32.const 16) (i32.const 4))
    (call $log (i32.const -1) (i32.const 16) (i32.const 4))
    (call $log (i32.const 4) (i32.const 16) (i32.const 4))
    (call $log (i32.const 0x7fffffff) (i32.const 16) (i32.const 4))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
