;; A start function that asks for what belongs to a run, and keeps what it got; a run gives a
;; verdict that is none where that was more than nothing.
;;
;; upload: admitted
;; run Subscription.f: skip
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "input" (func $input (param i32 i32 i32) (result i32)))
  (import "runnel_v1" "argument" (func $argument (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "claim" (func $claim (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "permitted" (func $permitted (param i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (global $got (mut i32) (i32.const 0))
  (data (i32.const 32) "sub")
  (data (i32.const 40) "a")
  (data (i32.const 48) "p")
  (start $begin)
  (func $begin
    (global.set $got
      (i32.or (i32.or
        (i32.add (call $input (i32.const 0) (i32.const 1024) (i32.const 1024)) (i32.const 1))
        (i32.add (call $input (i32.const 2) (i32.const 1024) (i32.const 1024)) (i32.const 1)))
      (i32.or
        (i32.add (call $argument (i32.const 40) (i32.const 1) (i32.const 1024) (i32.const 1024)) (i32.const 1))
        (i32.or
          (i32.add (call $claim (i32.const 32) (i32.const 3) (i32.const 1024) (i32.const 1024)) (i32.const 1))
          (call $permitted (i32.const 48) (i32.const 1)))))))
  (func (export "Subscription.f") (result i32)
    (select (i32.const 9) (i32.const 0) (global.get $got)))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
