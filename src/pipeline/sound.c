/* The sound of a video, read back from its probe shard in slices, and its spectrum. */
#include "pipeline/shards.h"

int pp_job_may_be_unseen(const pp_job *job)
{
    return job->pipeline->is.parameters->query[0] != '\0';
}

pp_status pp_job_open_probe(pp_job *job, pp_error *err)
{
    if (job->probe != NULL) return PP_OK;
    int64_t samples = 0, pictures = 0, size = 0, mtime = 0;
    pp_h5 *file = NULL;
    pp_status status = pp_shard_open(&file, job, PP_SHARD_PROBE, 0, err);
    if (status != PP_OK) return status;
    status = pp_h5_get_int(file, "/", "samples", &samples, err);
    if (status == PP_OK) status = pp_h5_get_int(file, "/", "pictures", &pictures, err);
    if (status == PP_OK) status = pp_h5_get_int(file, "/", "source_size_bytes", &size, err);
    if (status == PP_OK) status = pp_h5_get_int(file, "/", "source_mtime_ns", &mtime, err);
    if (status == PP_OK && samples > 0) {
        job->cut = pp_cut_of(samples, job->pipeline->is.parameters, job->pipeline->shape);
        if (pictures == 0 && pp_job_may_be_unseen(job)) job->cut.all.pictures = 0;
    }
    if (status == PP_OK && (samples <= 0 || pictures != job->cut.all.pictures)) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s holds %lld samples and %lld pictures",
                         pp_h5_path(file), (long long)samples, (long long)pictures);
    }
    if (status != PP_OK) {
        pp_h5_close(&file);
        return status;
    }
    job->probe = file;
    job->result->cut = job->cut.all;
    job->result->size_bytes = size;
    job->result->mtime_ns = mtime;
    job->result->duration_s = (double)samples / job->cut.rate_hz;
    return PP_OK;
}

pp_status pp_job_sound(pp_job *job, int64_t first, int64_t count, float *samples, pp_error *err)
{
    if (count == 0) return PP_OK;
    pp_part before = pp_job_part(job, PP_PART_WRITE);
    pp_status status = pp_h5_read(job->probe, "/sound", PP_H5_F32, &first, &count, samples, err);
    pp_job_part(job, before);
    return status;
}

int64_t pp_job_slice_room(const pp_job *job, int64_t frames)
{
    const pp_model_shape *shape = job->pipeline->shape;
    return frames * shape->hop_samples + 4 * (int64_t)shape->n_fft;
}

pp_status pp_job_slice(pp_job *job, int64_t first, int64_t count, float *slice, int64_t *begin,
                       pp_error *err)
{
    int64_t end = 0;
    pp_stft_sample_range(job->pipeline->lane[0].stft, first, count, job->cut.all.samples, begin,
                         &end);
    if (end - *begin > pp_job_slice_room(job, count)) {
        return pp_fail(err, PP_ERR_INTERNAL, "a slice of %lld samples for %lld frames",
                       (long long)(end - *begin), (long long)count);
    }
    return pp_job_sound(job, *begin, end - *begin, slice, err);
}

pp_status pp_job_spectrum(pp_job *job, int64_t first, int64_t count, float *slice, float *spectrum,
                          pp_error *err)
{
    int64_t begin = 0;
    pp_status status = pp_job_slice(job, first, count, slice, &begin, err);
    pp_part before = pp_job_part(job, PP_PART_STFT);
    if (status == PP_OK) {
        pp_stft_forward(job->pipeline->lane[0].stft, slice, begin, job->cut.all.samples, first,
                        count, spectrum);
    }
    pp_job_part(job, before);
    return status;
}
