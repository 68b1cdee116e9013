/* Validation: the loss of fixed mixes of clips that training does not see, and of some of them the
 * SDR of the separated sounds (eval/bss.h) over that of the mixture.
 *
 * The mixes depend on their number alone: every validation of a training, on any number of ranks,
 * measures the same ones. Order: create, run..., destroy. One thread an object.
 */
#ifndef PP_TRAIN_VALIDATE_H
#define PP_TRAIN_VALIDATE_H

#include "train/corpus.h"
#include "train/exchange.h"
#include "train/job.h"
#include "train/net.h"

typedef struct pp_train_validation pp_train_validation;

typedef struct pp_train_measured { /* NaN: nothing to measure */
    double loss;
    double sdr_db, gain_db; /* asked by picture: mean over sources; over the mixture's */
    double label_sdr_db, label_gain_db; /* asked by label */
    int refused; /* mixes left out of SDR: a source or its estimate is silent */
} pp_train_measured;

/* corpus, net: borrowed for the object's life. */
pp_status pp_train_validation_create(pp_train_validation **out, const pp_train_job *job,
                                     const pp_train_corpus *corpus, pp_train_net *net,
                                     pp_error *err) PP_MUST_USE;
void pp_train_validation_destroy(pp_train_validation **validation);

/* Collective. Uses the parameters that the network holds now. */
pp_status pp_train_validation_run(pp_train_validation *validation,
                                  const pp_train_exchange *exchange, pp_train_measured *out,
                                  pp_error *err) PP_MUST_USE;

#endif
