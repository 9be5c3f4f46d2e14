;; A constant of more bits than its type.
;;
;; upload: refused "number is longer than 32 bits" in "function 0" at 24
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"                       ;; a type () -> ()
  "\03\02\01\00"                             ;; a function of it
  "\0a\0b\01\09\00\41\ff\ff\ff\ff\1f\1a\0b") ;; i32.const of 33 bits
