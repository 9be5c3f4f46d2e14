;; A guest that overwrites, grows and empties its table; the next run finds it as it was.
;;
;; upload: admitted
;; run Subscription.overwrite: skip
;; run Subscription.grow: skip
;; run Subscription.copy: skip
;; run Subscription.drop: skip
;; run Subscription.look: skip
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "overwrite: String @on(channel: \"c\")\n"
    "grow: String @on(channel: \"c\")\n"
    "copy: String @on(channel: \"c\")\n"
    "drop: String @on(channel: \"c\")\n"
    "look: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (type $number (func (result i32)))
  (table $t 3 funcref)
  (elem $segment func $one $nine)
  (elem (table $t) (i32.const 0) func $zero $zero)
  (func $zero (result i32) (i32.const 0))
  (func $one (result i32) (i32.const 1))
  (func $nine (result i32) (i32.const 9))
  (func (export "Subscription.overwrite") (result i32)
    (table.set $t (i32.const 0) (ref.func $nine))
    (table.fill $t (i32.const 1) (ref.func $nine) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.grow") (result i32)
    (drop (table.grow $t (ref.func $nine) (i32.const 10)))
    (i32.const 0))
  (func (export "Subscription.copy") (result i32)
    (table.init $t $segment (i32.const 0) (i32.const 1) (i32.const 1))
    (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.drop") (result i32)
    (elem.drop $segment)
    (i32.const 0))
  (func (export "Subscription.look") (result i32)
    (if (i32.ne (table.size $t) (i32.const 3)) (then (return (i32.const 9))))
    (if (i32.eqz (ref.is_null (table.get $t (i32.const 2)))) (then (return (i32.const 9))))
    (table.init $t $segment (i32.const 2) (i32.const 0) (i32.const 1))
    (i32.or
      (i32.or (call_indirect (type $number) (i32.const 0)) (call_indirect (type $number) (i32.const 1)))
      (i32.sub (call_indirect (type $number) (i32.const 2)) (i32.const 1))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
