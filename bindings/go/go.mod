module libsentiment/sentiment

go 1.24
