;; A continuation.
;;
;; upload: refused "bad form of type 0x5d" at 14
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (type $f (func))
  (type $k (cont $f)))
