"""The kernel for CUDA and what hands it work, whatever the device."""
