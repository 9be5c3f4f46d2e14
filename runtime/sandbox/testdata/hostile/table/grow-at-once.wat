;; A guest that grows a table by all there can be, and by numbers that wrap a sum around; a table
;; has 65,536 elements at most.
;;
;; upload: admitted
;; run Subscription.f: skip
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (table 1 funcref)
  (func (export "Subscription.f") (result i32)
    (if (i32.ne (table.grow (ref.null func) (i32.const -1)) (i32.const -1)) (then (return (i32.const 9))))
    (if (i32.ne (table.grow (ref.null func) (i32.const 0x7fffffff)) (i32.const -1)) (then (return (i32.const 9))))
    (if (i32.ne (table.grow (ref.null func) (i32.const 65536)) (i32.const -1)) (then (return (i32.const 9))))
    (if (i32.ne (table.grow (ref.null func) (i32.const 65535)) (i32.const 1)) (then (return (i32.const 9))))
    (i32.sub (table.size 0) (i32.const 65536)))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
