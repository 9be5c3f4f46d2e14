;; A tail call, which is a loop that looks like none.
;;
;; upload: refused "not supported: tail calls" in "function 0" at 40
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func $f (return_call $f)))
