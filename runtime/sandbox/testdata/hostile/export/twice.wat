;; A name that is exported twice: which of the two would it be?
;;
;; upload: refused "is exported twice" in "Subscription.f" at 40
;; upload: refused "the module exports no memory named"
;; upload: refused "no custom section \"runnel.schema\""
(module binary
  "\00asm\01\00\00\00"
  "\01\05\01\60\00\01\7f"                                    ;; a type () -> i32
  "\03\03\02\00\00"                                          ;; two functions of it
  "\07\23\02\0eSubscription.f\00\00\0eSubscription.f\00\01"  ;; their exports
  "\0a\0b\02\04\00\41\00\0b\04\00\41\01\0b")                 ;; their bodies
