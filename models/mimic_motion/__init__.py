"""MimicMotion: Stable Video Diffusion led by drawn poses, all frames of a section denoised together."""
