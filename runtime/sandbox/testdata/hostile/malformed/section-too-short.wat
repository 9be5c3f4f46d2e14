;; A section that says it is shorter than its content.
;;
;; upload: refused "unexpected end" at 13
(module binary
  "\00asm\01\00\00\00"
  "\01\03\01\60\00\00") ;; a type section of 3 bytes, with 4
