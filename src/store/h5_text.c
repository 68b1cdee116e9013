/* Attributes, lists of texts, tables, external links.
 *
 * Texts are of fixed length in the file: those of variable length lie in a heap without checksums.
 * Both kinds are read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/h5_internal.h"

hid_t pp_h5_text_type(size_t bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return -1;
    if (H5Tset_size(type, bytes > 0 ? bytes : 1) >= 0 &&
        H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0) {
        return type;
    }
    H5Tclose(type);
    return -1;
}

/* ---- attributes ----------------------------------------------------------------------------- */

static int put_attribute(hid_t object, const char *name, hid_t file_type, hid_t memory_type,
                         const void *value)
{
    if (H5Aexists(object, name) > 0 && H5Adelete(object, name) < 0) return -1;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = space < 0 || file_type < 0
                          ? -1
                          : H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    int failed = attribute < 0 || H5Awrite(attribute, memory_type, value) < 0;
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    return failed ? -1 : 0;
}

int pp_h5_put_text_attribute(hid_t object, const char *name, const char *text)
{
    char *repaired = pp_text_is_utf8(text) ? NULL : pp_text_to_utf8(text);
    if (repaired != NULL) text = repaired;
    hid_t type = pp_h5_text_type(strlen(text));
    int failed = put_attribute(object, name, type, type, text);
    if (type >= 0) H5Tclose(type);
    pp_free(repaired);
    return failed;
}

static pp_status set_attribute(pp_h5 *file, const char *path, const char *name, const char *text,
                               hid_t file_type, hid_t memory_type, const void *value, pp_error *err)
{
    hid_t object;
    H5I_type_t kind;
    pp_status status = pp_h5_object(file, path, &object, &kind, err);
    if (status != PP_OK) return status;
    int failed = text != NULL ? pp_h5_put_text_attribute(object, name, text)
                              : put_attribute(object, name, file_type, memory_type, value);
    if (failed) {
        status = pp_h5_failed(file, err, "write an attribute of", path);
        pp_error_prefix(err, "attribute %s: ", name);
    }
    H5Oclose(object);
    return status != PP_OK ? status : pp_h5_settled(file, err);
}

pp_status pp_h5_set_text(pp_h5 *file, const char *object, const char *name, const char *text,
                         pp_error *err)
{
    return set_attribute(file, object, name, text, -1, -1, NULL, err);
}

pp_status pp_h5_set_int(pp_h5 *file, const char *object, const char *name, int64_t value,
                        pp_error *err)
{
    return set_attribute(file, object, name, NULL, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, err);
}

pp_status pp_h5_set_real(pp_h5 *file, const char *object, const char *name, double value,
                         pp_error *err)
{
    return set_attribute(file, object, name, NULL, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, err);
}

typedef struct attribute {
    hid_t object, id, type;
} attribute;

static void close_attribute(attribute *at)
{
    if (at->type >= 0) H5Tclose(at->type);
    if (at->id >= 0) H5Aclose(at->id);
    if (at->object >= 0) H5Oclose(at->object);
}

/* An attribute of one value. */
static pp_status open_attribute(pp_h5 *file, attribute *at, const char *path, const char *name,
                                pp_error *err)
{
    *at = (attribute){-1, -1, -1};
    H5I_type_t kind;
    pp_status status = pp_h5_object(file, path, &at->object, &kind, err);
    if (status != PP_OK) return status;
    if (H5Aexists(at->object, name) == 0) {
        close_attribute(at);
        return pp_fail(err, PP_ERR_NOT_FOUND, "%s: %s has no attribute %s", file->path, path, name);
    }
    at->id = H5Aopen(at->object, name, H5P_DEFAULT);
    if (at->id >= 0) at->type = H5Aget_type(at->id);
    hid_t space = at->id >= 0 ? H5Aget_space(at->id) : -1;
    hssize_t values = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    if (space >= 0) H5Sclose(space);
    if (at->type < 0 || values < 0) status = pp_h5_failed(file, err, "read an attribute of", path);
    else if (values != 1) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: attribute %s of %s is not one value", file->path,
                         name, path);
    }
    if (status != PP_OK) close_attribute(at);
    return status;
}

static pp_status wrong_kind(pp_h5 *file, const char *path, const char *name, const char *expected,
                            pp_error *err)
{
    return pp_fail(err, PP_ERR_FORMAT, "%s: attribute %s of %s is no %s", file->path, name, path,
                   expected);
}

static int read_variable_text(attribute *at, char **text)
{
    char *loose = NULL;
    hid_t type = H5Tcopy(at->type); /* of the same character set: no conversion */
    int failed = type < 0 || H5Aread(at->id, type, &loose) < 0;
    if (type >= 0) H5Tclose(type);
    if (failed) return -1;
    *text = pp_strdup(loose != NULL ? loose : "");
    if (loose != NULL) H5free_memory(loose);
    return *text == NULL ? -1 : 0;
}

pp_status pp_h5_get_text(pp_h5 *file, const char *object, const char *name, char **text,
                         pp_error *err)
{
    *text = NULL;
    attribute at;
    pp_status status = open_attribute(file, &at, object, name, err);
    if (status != PP_OK) return status;
    size_t bytes = H5Tget_size(at.type);
    int failed = 0;
    if (H5Tget_class(at.type) != H5T_STRING || bytes > PP_H5_MOST_TEXT) {
        status = wrong_kind(file, object, name, "text", err);
    } else if (H5Tis_variable_str(at.type) > 0) {
        failed = read_variable_text(&at, text);
    } else {
        *text = pp_alloc(bytes + 1, 1);
        failed = *text == NULL || H5Aread(at.id, at.type, *text) < 0;
    }
    if (failed) status = pp_h5_failed(file, err, "read an attribute of", object);
    if (status != PP_OK) PP_FREE(*text);
    close_attribute(&at);
    return status;
}

static pp_status get_number(pp_h5 *file, const char *object, const char *name, int whole,
                            hid_t memory_type, void *value, pp_error *err)
{
    attribute at;
    pp_status status = open_attribute(file, &at, object, name, err);
    if (status != PP_OK) return status;
    if (!pp_h5_is_number(at.type) || (whole && H5Tget_class(at.type) != H5T_INTEGER)) {
        status = wrong_kind(file, object, name, whole ? "whole number" : "number", err);
    } else if (H5Aread(at.id, memory_type, value) < 0) {
        status = pp_h5_failed(file, err, "read an attribute of", object);
    }
    close_attribute(&at);
    return status;
}

pp_status pp_h5_get_int(pp_h5 *file, const char *object, const char *name, int64_t *value,
                        pp_error *err)
{
    return get_number(file, object, name, 1, H5T_NATIVE_INT64, value, err);
}

pp_status pp_h5_get_real(pp_h5 *file, const char *object, const char *name, double *value,
                         pp_error *err)
{
    return get_number(file, object, name, 0, H5T_NATIVE_DOUBLE, value, err);
}

/* ---- lists of texts ------------------------------------------------------------------------- */

/* Texts one behind the other, each `width` bytes with NULs behind. */
static char *lay_texts(const char *const *texts, int64_t count, size_t *width)
{
    size_t longest = 1;
    for (int64_t i = 0; i < count; i++) {
        size_t length = strlen(texts[i]);
        if (length > longest) longest = length;
    }
    *width = longest;
    char *block = pp_alloc((size_t)count, longest);
    for (int64_t i = 0; block != NULL && i < count; i++) {
        memcpy(block + (size_t)i * longest, texts[i], strlen(texts[i]));
    }
    return block;
}

pp_status pp_h5_put_texts(pp_h5 *file, const char *path, const char *const *texts, int64_t count,
                          const char *long_name, pp_error *err)
{
    size_t width;
    char *block = lay_texts(texts, count, &width);
    hid_t type = block != NULL ? pp_h5_text_type(width) : -1;
    if (type < 0) {
        pp_free(block);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for the texts of %s", path);
    }
    int64_t chunk = (int64_t)((1u << 20) / width) + 1;
    hid_t dataset;
    pp_status status =
        pp_h5_make(file, path, type, 1, &count, &chunk, 4, "1", long_name, &dataset, err);
    if (status == PP_OK) {
        if (count > 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0) {
            status = pp_h5_failed(file, err, "write", path);
        }
        H5Dclose(dataset);
    }
    H5Tclose(type);
    pp_free(block);
    return status != PP_OK ? status : pp_h5_settled(file, err);
}

static int take_variable_texts(hid_t dataset, hid_t type, char **texts, int64_t count)
{
    char **loose = pp_alloc((size_t)count, sizeof *loose);
    if (loose == NULL) return -1;
    int failed = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, loose) < 0;
    for (int64_t i = 0; i < count; i++) {
        if (!failed) texts[i] = pp_strdup(loose[i] != NULL ? loose[i] : "");
        failed |= texts[i] == NULL;
        if (loose[i] != NULL) H5free_memory(loose[i]);
    }
    pp_free(loose);
    return failed ? -1 : 0;
}

static int take_fixed_texts(hid_t dataset, hid_t type, size_t width, char **texts, int64_t count)
{
    char *block = pp_alloc((size_t)count, width);
    int failed = block == NULL || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0;
    for (int64_t i = 0; !failed && i < count; i++) {
        const char *at = block + (size_t)i * width;
        size_t length = strnlen(at, width);
        texts[i] = pp_alloc(length + 1, 1);
        failed = texts[i] == NULL;
        if (!failed) memcpy(texts[i], at, length);
    }
    pp_free(block);
    return failed ? -1 : 0;
}

pp_status pp_h5_take_texts(pp_h5 *file, const char *path, char ***texts, int64_t *count,
                           pp_error *err)
{
    *texts = NULL;
    *count = 0;
    hid_t dataset, type;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(file, path, &dataset, &type, &rank, dims, err);
    if (status != PP_OK) return status;
    size_t width = H5Tget_size(type);
    if (rank != 1 || H5Tget_class(type) != H5T_STRING) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: %s is no list of texts", file->path, path);
    } else if ((double)dims[0] * (double)(width + sizeof **texts) > PP_H5_MOST_TABLE) {
        status = pp_fail(err, PP_ERR_LIMIT, "%s: %s is too large", file->path, path);
    } else {
        *count = (int64_t)dims[0];
        *texts = pp_alloc((size_t)*count, sizeof **texts);
        int failed = *texts == NULL;
        if (!failed && *count > 0) {
            failed = H5Tis_variable_str(type) > 0
                         ? take_variable_texts(dataset, type, *texts, *count)
                         : take_fixed_texts(dataset, type, width, *texts, *count);
        }
        if (failed) status = pp_h5_failed(file, err, "read", path);
    }
    H5Tclose(type);
    if (status != PP_OK) {
        pp_h5_free_texts(texts, *count);
        *count = 0;
    }
    return status;
}

/* ---- tables --------------------------------------------------------------------------------- */

/* In memory a text ends at its NUL, and what lies behind reaches no file. */
static hid_t column_type(const pp_h5_column *column, int packed)
{
    if (column->text_bytes == 0) {
        return H5Tcopy(packed ? pp_h5_file_type(column->type) : pp_h5_memory_type(column->type));
    }
    hid_t type = pp_h5_text_type(column->text_bytes);
    if (type >= 0 && !packed) H5Tset_strpad(type, H5T_STR_NULLTERM);
    return type;
}

/* The compound type of rows in memory, or packed as in the file. */
static hid_t row_type(const pp_h5_column *columns, int count, size_t row_bytes, int packed)
{
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        const pp_h5_column *column = &columns[i];
        size += column->text_bytes > 0 ? column->text_bytes : pp_h5_type_bytes(column->type);
    }
    hid_t row = H5Tcreate(H5T_COMPOUND, packed ? size : row_bytes);
    size_t at = 0;
    for (int i = 0; row >= 0 && i < count; i++) {
        const pp_h5_column *column = &columns[i];
        hid_t type = column_type(column, packed);
        int failed =
            type < 0 || H5Tinsert(row, column->name, packed ? at : column->offset, type) < 0;
        at += column->text_bytes > 0 ? column->text_bytes : pp_h5_type_bytes(column->type);
        if (type >= 0) H5Tclose(type);
        if (!failed) continue;
        H5Tclose(row);
        row = -1;
    }
    return row;
}

/* "s, s, 1": the units of the columns in their order. */
static char *join_units(const pp_h5_column *columns, int count)
{
    char *joined = pp_strdup("");
    for (int i = 0; joined != NULL && i < count; i++) {
        char *longer = pp_format("%s%s%s", joined, i > 0 ? ", " : "",
                                 columns[i].units != NULL ? columns[i].units : "1");
        pp_free(joined);
        joined = longer;
    }
    return joined;
}

pp_status pp_h5_put_table(pp_h5 *file, const char *path, const pp_h5_column *columns, int count,
                          const void *rows, size_t row_bytes, int64_t row_count,
                          const char *long_name, pp_error *err)
{
    hid_t in_file = row_type(columns, count, row_bytes, 1);
    hid_t in_memory = row_type(columns, count, row_bytes, 0);
    char *units = join_units(columns, count);
    pp_status status = PP_OK;
    if (in_file < 0 || in_memory < 0 || units == NULL) {
        status = pp_h5_failed(file, err, "describe the columns of", path);
    }
    hid_t dataset = -1;
    if (status == PP_OK) {
        int64_t chunk = (int64_t)((1u << 20) / H5Tget_size(in_file)) + 1;
        status = pp_h5_make(file, path, in_file, 1, &row_count, &chunk, 4, units, long_name,
                            &dataset, err);
    }
    if (status == PP_OK && row_count > 0 &&
        H5Dwrite(dataset, in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) < 0) {
        status = pp_h5_failed(file, err, "write", path);
    }
    if (dataset >= 0) H5Dclose(dataset);
    if (in_file >= 0) H5Tclose(in_file);
    if (in_memory >= 0) H5Tclose(in_memory);
    pp_free(units);
    return status != PP_OK ? status : pp_h5_settled(file, err);
}

/* Each column that is asked for is there, and of the right kind. */
static pp_status check_columns(pp_h5 *file, const char *path, hid_t type,
                               const pp_h5_column *columns, int count, pp_error *err)
{
    for (int i = 0; i < count; i++) {
        int index = H5Tget_member_index(type, columns[i].name);
        hid_t member = index < 0 ? -1 : H5Tget_member_type(type, (unsigned)index);
        int right = member >= 0 &&
                    (columns[i].text_bytes > 0
                         ? H5Tget_class(member) == H5T_STRING && H5Tis_variable_str(member) == 0
                         : pp_h5_is_number(member));
        if (member >= 0) H5Tclose(member);
        if (right) continue;
        H5Eclear2(H5E_DEFAULT);
        return pp_fail(err, PP_ERR_FORMAT, "%s: the table %s has no %s column '%s'", file->path,
                       path, columns[i].text_bytes > 0 ? "text" : "number", columns[i].name);
    }
    return PP_OK;
}

pp_status pp_h5_take_table(pp_h5 *file, const char *path, const pp_h5_column *columns, int count,
                           size_t row_bytes, void **rows, int64_t *row_count, pp_error *err)
{
    *rows = NULL;
    *row_count = 0;
    hid_t dataset, type;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(file, path, &dataset, &type, &rank, dims, err);
    if (status != PP_OK) return status;
    size_t in_file = H5Tget_size(type);
    if (rank != 1 || H5Tget_class(type) != H5T_COMPOUND) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: %s is no table", file->path, path);
    } else if ((double)dims[0] * (double)(in_file + row_bytes) > PP_H5_MOST_TABLE) {
        status = pp_fail(err, PP_ERR_LIMIT, "%s: %s is too large", file->path, path);
    } else {
        status = check_columns(file, path, type, columns, count, err);
    }
    H5Tclose(type);
    if (status != PP_OK) return status;
    hid_t in_memory = row_type(columns, count, row_bytes, 0);
    *rows = pp_alloc((size_t)dims[0], row_bytes);
    int failed = in_memory < 0 || *rows == NULL;
    if (!failed && dims[0] > 0) {
        failed = H5Dread(dataset, in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, *rows) < 0;
    }
    if (in_memory >= 0) H5Tclose(in_memory);
    if (failed) {
        PP_FREE(*rows);
        return pp_h5_failed(file, err, "read", path);
    }
    *row_count = (int64_t)dims[0];
    return PP_OK;
}

/* ---- links ---------------------------------------------------------------------------------- */

pp_status pp_h5_link_external(pp_h5 *file, const char *path, const char *target_file,
                              const char *target_path, pp_error *err)
{
    hid_t creation = H5Pcreate(H5P_LINK_CREATE);
    int failed =
        creation < 0 || H5Pset_create_intermediate_group(creation, 1) < 0 ||
        H5Pset_char_encoding(creation, H5T_CSET_UTF8) < 0 ||
        H5Lcreate_external(target_file, target_path, file->file, path, creation, H5P_DEFAULT) < 0;
    if (creation >= 0) H5Pclose(creation);
    return failed ? pp_h5_failed(file, err, "link", path) : pp_h5_settled(file, err);
}
