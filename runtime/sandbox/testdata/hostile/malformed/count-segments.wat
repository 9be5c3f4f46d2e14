;; A data count that is not that of the data section.
;;
;; upload: refused "data segments declared" at 22
(module binary
  "\00asm\01\00\00\00"
  "\05\03\01\00\01"     ;; a memory
  "\0c\01\02"           ;; two segments
  "\0b\04\01\01\01\78") ;; one segment
