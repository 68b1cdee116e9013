/* base: CSV tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "base/csv.h"

static pp_csv *parse(const char *text, int with_header)
{
    pp_csv *csv = NULL;
    pp_error err = {0};
    assert_int_equal(pp_csv_parse(&csv, text, strlen(text), "table", with_header, &err), PP_OK);
    return csv;
}

static void cells_are_cut_as_rfc_4180_says(void **state)
{
    (void)state;
    pp_csv *csv = parse("\xef\xbb\xbfpath,Label,note\r\n"
                        "a b.mp4,violin,\r\n"
                        "\r\n"
                        "\"c,d\"\"e\",\"two\nlines\",\"\"\n"
                        "\n"
                        "caf\xe9,,\"x\"",
                        1);
    assert_int_equal(pp_csv_rows(csv), 3);
    assert_int_equal(pp_csv_columns(csv), 3);
    assert_int_equal(pp_csv_column(csv, "label"), 1);
    assert_int_equal(pp_csv_column(csv, "labels"), -1);
    assert_string_equal(pp_csv_cell(csv, 0, 0), "a b.mp4");
    assert_string_equal(pp_csv_cell(csv, 0, 2), "");
    assert_string_equal(pp_csv_cell(csv, 1, 0), "c,d\"e");
    assert_string_equal(pp_csv_cell(csv, 1, 1), "two\nlines");
    assert_string_equal(pp_csv_cell(csv, 2, 0), "caf\xe9");
    assert_string_equal(pp_csv_cell(csv, 2, 1), "");
    assert_string_equal(pp_csv_cell(csv, 2, 2), "x");
    assert_string_equal(pp_csv_cell(csv, 2, -1), "");
    assert_int_equal(pp_csv_line(csv, 0), 2);
    assert_int_equal(pp_csv_line(csv, 1), 4);
    assert_int_equal(pp_csv_line(csv, 2), 7);
    pp_csv_destroy(&csv);
    assert_null(csv);
    pp_csv_destroy(&csv);
}

static void without_a_header_rows_may_differ(void **state)
{
    (void)state;
    pp_csv *csv = parse("a.mp3,frames/a,120\nb.mp3\n,,\n", 0);
    assert_int_equal(pp_csv_rows(csv), 3);
    assert_int_equal(pp_csv_columns(csv), 0);
    assert_int_equal(pp_csv_cells(csv, 1), 1);
    assert_string_equal(pp_csv_cell(csv, 0, 2), "120");
    assert_string_equal(pp_csv_cell(csv, 1, 2), "");
    assert_int_equal(pp_csv_cells(csv, 2), 3);
    pp_csv_destroy(&csv);
    csv = parse("", 0);
    assert_int_equal(pp_csv_rows(csv), 0);
    pp_csv_destroy(&csv);
}

static void refused(const char *text, size_t length, const char *words)
{
    pp_csv *csv = NULL;
    pp_error err = {0};
    assert_int_equal(pp_csv_parse(&csv, text, length, "table", 1, &err), PP_ERR_FORMAT);
    assert_null(csv);
    assert_non_null(strstr(err.message, words));
}

static void damage_is_named_by_line(void **state)
{
    (void)state;
    refused("a,b\n1,2\n3\n", 10, "line 3: 1 cells");
    refused("a,b\n1,2,3\n", 10, "line 2: 3 cells");
    refused("a\n\"x\n", 5, "line 2: a quote is never closed");
    refused("a\n\"x\"y\n", 7, "line 2: text behind a closing quote");
    refused("a\nb\0c\n", 6, "NUL");
    refused("", 0, "empty");
    refused("\n\n", 2, "empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_cut_as_rfc_4180_says),
        cmocka_unit_test(without_a_header_rows_may_differ),
        cmocka_unit_test(damage_is_named_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
