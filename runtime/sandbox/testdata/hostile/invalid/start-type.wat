;; A start function that takes a parameter.
;;
;; upload: refused "start section: the start function must be of type () -> ()" in "function 0" at 38
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func $s (param i32))
  (start $s))
