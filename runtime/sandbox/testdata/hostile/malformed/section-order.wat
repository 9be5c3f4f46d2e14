;; A type section after the function section.
;;
;; upload: refused "type section twice or out of order" at 11
(module binary
  "\00asm\01\00\00\00"
  "\03\01\00"           ;; no functions
  "\01\04\01\60\00\00") ;; a type () -> ()
