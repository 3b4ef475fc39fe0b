"""Rules for CUDA: `cuda_library`, and `requires_cuda()` for targets that need a toolkit."""

load("//cuda/private:archs.bzl", _CudaArchsInfo = "CudaArchsInfo")
load("//cuda/private:cuda_library.bzl", _cuda_library = "cuda_library")
load("//cuda/private:requires.bzl", _requires_cuda = "requires_cuda")

CudaArchsInfo = _CudaArchsInfo
cuda_library = _cuda_library
requires_cuda = _requires_cuda
