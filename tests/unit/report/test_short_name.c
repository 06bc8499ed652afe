/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long C++ names as a reader wants them, worked out by hand. */
#include "tests/unit/report/report_test.h"

#include "report/short_name.h"

#define STRING "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"

static const struct {
	const char *name;
	size_t most;
	const char *expected;
} names[] = {
	{ "", 10, "" },
	{ "Session", 3, "Session" },
	{ STRING, 100, "std::string" },
	{ "std::vector<int, std::allocator<int> >", 100, "std::vector<int>" },
	{ "std::map<" STRING ", Session*, std::less<" STRING " >, std::allocator<std::pair<const " STRING
	  ", Session*> > >",
		100, "std::map<std::string, Session*>" },
	{ "std::_Rb_tree_node<std::pair<const " STRING ", Session*> >", 40, "std::_Rb_tree_node<...>" },
	{ "std::_Rb_tree_node<std::pair<const " STRING ", Session*> >", 80,
		"std::_Rb_tree_node<std::pair<const std::string, Session*> >" },
	{ "a<b<c>, d>::e<ffffffff>::g()", 10, "a<...>::e<...>::g()" },
	{ "handle(int, char const*, unsigned long)", 20, "handle(...)" },
	{ "operator<<(Stream&, int const&)", 20, "operator<<(...)" },
	{ "List::operator->() const, and much more", 10, "List::operator->() const, and much more" },
	{ "a<unclosed, and on and on", 10, "a<unclosed, and on and on" },
	{ "closed>, and on and on", 10, "closed>, and on and on" },
	{ "std::vector<int, std::allocator<int", 100, "std::vector<int, std::allocator<int" },
	{ "a<b>", 2, "a<b>" },
};

START_TEST (short_names) {
	hw_autofree char *text = hw_short_name(names[_i].name, names[_i].most);

	ck_assert_str_eq(text, names[_i].expected);
}
END_TEST

static const struct {
	const char *field;
	const char *expected;
} fields[] = {
	{ "", "" },
	{ "next", "next" },
	{ "[]", "[]" },
	{ "buckets[].next", "buckets[].next" },
	{ "by_user._M_t._M_impl._M_header._M_parent", "by_user" },
	{ "_M_storage._M_storage[]", "_M_storage[]" },
	{ "_M_impl.value._M_ptr.name", "value.name" },
};

START_TEST (short_fields) {
	hw_autofree char *text = hw_short_field(fields[_i].field);

	ck_assert_str_eq(text, fields[_i].expected);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, short_names, 0, hw_array_size(names));
	tcase_add_loop_test(cases, short_fields, 0, hw_array_size(fields));
}

int main(void)
{
	return run_cases("short_name", add);
}
