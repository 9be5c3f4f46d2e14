;; A guest that grows its memory by numbers which wrap a sum around.
;;
;; upload: admitted
;; run Subscription.f: skip
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (if (i32.ne (memory.grow (i32.const -1)) (i32.const -1)) (then (return (i32.const 9))))
    (if (i32.ne (memory.grow (i32.const 0x7fffffff)) (i32.const -1)) (then (return (i32.const 9))))
    (if (i32.ne (memory.grow (i32.const 0x10000)) (i32.const -1)) (then (return (i32.const 9))))
    (i32.sub (memory.size) (i32.const 1)))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
