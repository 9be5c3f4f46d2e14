;; A reference to a number.
;;
;; upload: refused "not supported: " in "function 0" at 42
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (ref.i31 (i32.const 1)))))
