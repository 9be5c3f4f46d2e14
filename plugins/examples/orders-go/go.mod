module orders-go

go 1.26
